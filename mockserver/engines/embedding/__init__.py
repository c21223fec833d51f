"""Embeds texts: texts with the same words have near vectors."""
