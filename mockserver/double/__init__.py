"""What makes the server a test double: its control API under ``/_mock``."""
