"""Batches: files of requests that are answered in the background, line by line."""
