"""The way of one request, the same for all providers."""
