"""The hosted APIs: a package for each. None knows another."""
