"""The Python API for tests: a server in this process, and the pytest plugin."""
