"""Signatures, claims, encryption, redaction. No network, no storage."""
