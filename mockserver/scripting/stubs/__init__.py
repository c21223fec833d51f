"""Stubs: which requests they answer, and with what."""
