"""Connecting a repository to a flow and acting as a linked account. Nothing here waits in the queue."""
