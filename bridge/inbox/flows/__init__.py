"""Flows: their members and owners, the sources that post to them, and who may read a restricted one.

No messages: those are a thread's.
"""
