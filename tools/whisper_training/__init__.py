"""Trains the embedded Whisper: a very small one that understands the speech of our own synthesizer."""
