"""The hosted APIs that are imitated, a package for each. They do not import each other."""
