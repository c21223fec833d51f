"""Responses and conversations in the store, and the work on responses in the background."""
