"""Connecting repositories to flows, and acting as linked accounts. No HTTP routes, no queue."""
