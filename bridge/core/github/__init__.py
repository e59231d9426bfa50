"""GitHub's own formats: deliveries, their headers, the App manifest, webhook health. No calls to GitHub."""
