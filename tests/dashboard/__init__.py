"""Tests of the dashboard in Chromium. `make test-dashboard` runs them."""
