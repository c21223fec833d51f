"""Validation against JSON Schemas, and the wording of violations."""
