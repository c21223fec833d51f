"""WebRTC: the connection of a call, its data channel, and its sound in and out. Needs aiortc."""
