"""The resources of the control API, a module for each."""
