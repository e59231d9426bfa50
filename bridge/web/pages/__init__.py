"""Addresses for people, and what their templates show. No answers to machines."""
