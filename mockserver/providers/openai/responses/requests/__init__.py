"""Requests for responses, read, and repeated in the response."""
