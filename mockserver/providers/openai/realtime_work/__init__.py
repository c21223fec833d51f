"""What outlives a connection of the Realtime API: client secrets, and the calls that are live."""
