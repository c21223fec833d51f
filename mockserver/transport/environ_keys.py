"""Keys of the WSGI environ under which a server hands out what WSGI does not know of."""

SOCKET = "mockserver.socket"  # the connection's socket
SOCKETS = (SOCKET, "gunicorn.socket")  # the same, by the servers that hand it out
GIVEN_UP = "mockserver.given_up"  # a function that says whether who asked has given up
SHUTDOWN = "mockserver.shutdown"  # what ends the server, in the background
