"""The configuration of a session, and the validation of the client's events, some of which change it."""
