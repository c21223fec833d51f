"""Traces and metrics of exchanges by OpenTelemetry, with the conventions for generative AI."""
