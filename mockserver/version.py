"""The version of the distribution. A module of its own, so that it is found whatever ``mockserver/__init__.py`` is."""

__version__ = "0.1.0"
