"""Transcriptions, translations, speech and custom voices."""
