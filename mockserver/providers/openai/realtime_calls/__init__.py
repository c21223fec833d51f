"""The calls of the Realtime API over HTTP: client secrets, and calls by WebRTC and SIP."""
