"""bridge's HTTP surface: one module a group of routes, each thin."""
