"""The conversation of a session: its items, and the client's events for them."""
