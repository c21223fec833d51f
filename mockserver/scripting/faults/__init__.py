"""Faults: which requests they hit, and what they do."""
