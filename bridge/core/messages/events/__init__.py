"""The tables of events: from a webhook delivery to its message.

Each action of an event is one decorated function. It returns the message, or None if the event is not worth
one. Every delivery of these events updates state, even one whose action is unknown: that one gets no words.
"""

from bridge.core.messages.events import comments, diffs, merging, pulls, reviews
from bridge.core.messages.events.table import TABLE, Happening, Said, say

__all__ = ["TABLE", "Happening", "Said", "comments", "diffs", "merging", "pulls", "reviews", "say"]
