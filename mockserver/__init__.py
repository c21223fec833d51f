"""An offline mock server and test double of the hosted audio APIs."""

__version__ = "0.1.0"
