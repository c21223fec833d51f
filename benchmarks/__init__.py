"""Measures the server side by side with its rivals: ``python -m benchmarks``. Linux only: reads ``/proc``."""
