"""Tests with clients of the Realtime API."""
