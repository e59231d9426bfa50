"""Measurements: each figure beside its peer's, taken in one run. No test of behaviour."""
