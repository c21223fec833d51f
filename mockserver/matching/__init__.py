"""Patterns of requests: conditions on the facts of a request or journal entry."""
