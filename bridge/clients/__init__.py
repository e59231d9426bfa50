"""GitHub, Flowdock and OAuth: one module for each outside system. No rule about pull requests."""
