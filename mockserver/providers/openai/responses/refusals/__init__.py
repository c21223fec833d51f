"""What requests for responses are refused for."""
