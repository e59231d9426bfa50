"""The tables of events: a webhook delivery becomes what is said about it.

An event's action that bridge speaks of is one decorated function: it gets what happened and returns what
is said, or None where nothing is worth saying. State is taken from every delivery of these events, also of
an action that GitHub adds tomorrow, for which no sentence is invented.
"""

from bridge.core.messages.events import comments, merging, pulls, reviews
from bridge.core.messages.events.table import TABLE, Happening, Said, say

__all__ = ["TABLE", "Happening", "Said", "comments", "merging", "pulls", "reviews", "say"]
