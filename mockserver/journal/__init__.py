"""The journal of requests and responses, verification, and the metrics."""
