"""The journal in the control API."""
