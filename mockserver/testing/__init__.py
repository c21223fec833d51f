"""What a test imports: the server in the process, its API in Python, the pytest plugin."""
