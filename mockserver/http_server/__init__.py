"""The HTTP server below the app: connections, heads and bodies of requests, threads."""
