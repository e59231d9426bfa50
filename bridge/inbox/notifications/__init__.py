"""Notifications to people who are not looking: to their browsers, by Web Push, and by mail. No pages."""
