"""The pure core: every rule as a function of bytes, headers and dicts; no network, no clock of its own."""
