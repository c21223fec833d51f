"""Audio that a request names by its URL: at hand on this machine, or fetched, where that is allowed."""
