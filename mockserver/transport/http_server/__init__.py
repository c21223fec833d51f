"""The included HTTP server: connections, parsing of requests, and the threads that answer them."""
