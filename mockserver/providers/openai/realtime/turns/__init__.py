"""The turns of a session as the rest of the server sees them, and the journal's record of the session."""
