"""Speech by pyttsx3 and espeak-ng, a process for each utterance."""
