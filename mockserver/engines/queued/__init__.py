"""Transcriptions that other processes make: a queue in Redis, which Dramatiq runs."""
