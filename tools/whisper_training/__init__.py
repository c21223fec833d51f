"""Trains the embedded Whisper: a very small model of the speech of our own synthesizer."""
