"""The control API below ``/_mock``: a module for each resource."""
