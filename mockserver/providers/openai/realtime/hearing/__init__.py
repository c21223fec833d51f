"""What is heard in a session: the transcription of what the user says."""
