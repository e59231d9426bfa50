"""A pull request as it is known: what deliveries tell, merged into a snapshot. No wording."""
