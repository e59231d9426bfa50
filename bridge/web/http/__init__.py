"""Middleware in front of every route, bounds on bodies and connections, cookies. No routes."""
