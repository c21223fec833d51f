"""A real browser, whose pages try what pages can. `make test-browser` runs these tests."""
