"""Connecting repositories to flows, and acting as linked accounts. The queue is elsewhere."""
