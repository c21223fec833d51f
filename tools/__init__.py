"""Programs that make or check files of this project."""
