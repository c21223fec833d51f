"""Draws the pictures of the documentation from their sources: ``python -m tools.pictures`` writes all of them."""
