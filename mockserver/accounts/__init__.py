"""Accounts, their settings, and their secrets."""
