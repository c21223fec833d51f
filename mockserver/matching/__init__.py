"""What is known of a request, and the conditions that it may fulfil."""
