"""The effect of stubs and faults on requests and replies."""
