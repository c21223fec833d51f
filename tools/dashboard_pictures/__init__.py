"""Draws the pictures of the dashboard's guide from the real pages, in Chromium."""
