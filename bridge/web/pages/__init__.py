"""Addresses for people, and what their templates show."""
