"""JSON Schemas, and how a violation is worded."""
