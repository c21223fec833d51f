"""The state of the server, values and blobs, in memory or in a state folder on disk."""
