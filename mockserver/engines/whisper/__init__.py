"""Transcription by faster-whisper, window by window."""
