"""Clients of GitHub and Flowdock. No rules about pull requests."""
