"""What stands in front of every route: middleware, bounds on bodies and connections, cookies."""
