"""The supply chain: bridge's packages, and their known vulnerabilities."""
