"""State in the memory of this process."""
