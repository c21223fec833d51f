"""Scripted answers and faults."""
