"""Tests with a real browser, whose pages attack the server. `make test-browser` runs them."""
