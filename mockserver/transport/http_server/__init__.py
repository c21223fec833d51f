"""The HTTP server that ships: what is read from a connection, by whom, and who answers it."""
