"""Audio that a request names by its URL: a local file, or fetched, where that is allowed."""
