"""Speech synthesis with pyttsx3 and espeak-ng, in one process per utterance."""
