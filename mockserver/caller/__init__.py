"""A scripted caller: calls a Realtime server, speaks, listens, interrupts, and reports who spoke when.

It needs no microphone, and no particular server: it speaks the Realtime API over a WebSocket.
"""
