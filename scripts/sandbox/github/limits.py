"""The primary rate limit: five thousand calls an hour, per user.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .model import Clock

WINDOW = timedelta(hours=1)
LIMIT = 5000
ANONYMOUS_LIMIT = 60


@dataclass(kw_only=True)
class Window:
    """The calls somebody made in the present hour."""

    limit: int
    used: int
    reset: datetime

    @property
    def remaining(self) -> int:
        """The number of calls left."""
        return max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        """Return the headers that tell about it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Used": str(min(self.used, self.limit)),
            "X-RateLimit-Reset": str(int(self.reset.timestamp())),
            "X-RateLimit-Resource": "core",
        }


class Limits:
    """Counts calls by user; user 0 stands for all callers without a token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[int, Window] = {}

    def window(self, user_id: int) -> Window:
        """Return the present hour of a user; a new one if the last is over."""
        now = self._clock.now()
        window = self._windows.get(user_id)
        if window is None or window.reset <= now:
            limit = LIMIT if user_id else ANONYMOUS_LIMIT
            window = self._windows[user_id] = Window(limit=limit, used=0, reset=now + WINDOW)
        return window

    def count(self, user_id: int) -> bool:
        """Count a call; false if it is one too many."""
        window = self.window(user_id)
        window.used += 1
        return window.used <= window.limit

    def leave(self, user_id: int, remaining: int) -> None:
        """Leave a user that many calls, for tests."""
        window = self.window(user_id)
        window.used = window.limit - remaining
