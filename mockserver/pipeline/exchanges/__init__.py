"""Exchanges, and what their records in the journal contain."""
