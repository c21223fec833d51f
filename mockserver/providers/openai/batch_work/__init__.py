"""The work on batches."""
