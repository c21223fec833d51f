"""The pictures of the documentation, made of what they show: ``python -m tools.pictures`` writes them all."""
