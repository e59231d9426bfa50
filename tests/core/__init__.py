"""The pure core's tests: no network, no Redis."""
