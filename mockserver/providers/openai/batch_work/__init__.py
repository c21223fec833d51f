"""Batches: their input, their states and the answers to their lines."""
