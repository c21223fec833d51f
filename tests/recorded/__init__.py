"""Recorded answers of the real API, kept in tables."""
