"""Webhooks: endpoints, and signed events that are delivered to them by the clock."""
