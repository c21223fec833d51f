"""Differences between the installed official SDK and this server."""
