"""Copies the libraries of the dashboard's pages from npm packages into the package, with their licences."""
