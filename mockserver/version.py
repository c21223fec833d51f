"""The version of the distribution, importable even if ``mockserver/__init__.py`` has been overwritten."""

__version__ = "0.1.0"
