"""The settings: their definitions, the validation of values, and reading them from file and environment."""
