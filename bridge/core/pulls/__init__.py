"""A pull request as it is known: its deliveries, merged into a snapshot. No wording."""
