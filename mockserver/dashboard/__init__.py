"""The dashboard: web pages that show what a running server does, by the control API."""
