"""Addresses for machines: webhook deliveries, clicks, health. No HTML."""
