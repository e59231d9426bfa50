"""Rate limiter: a token bucket for each client (https://en.wikipedia.org/wiki/Token_bucket).

It remembers a bounded number of clients, and forgets the one that asked longest ago: its bucket is fullest.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, field

MAX_REMEMBERED = 10_000


@dataclass(kw_only=True)
class Limiter:
    """`per_minute` requests each, of which `burst` may come at once."""

    per_minute: float
    burst: int
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """Tokens left, and as of when, by client."""

    def wait(self, who: str, now: float) -> int:
        """Take a token; returns 0 if there was one, else the whole seconds to wait. `now` is in seconds."""
        tokens, before = self._buckets.pop(who, (float(self.burst), now))
        tokens = min(self.burst, tokens + max(0, now - before) * self.per_minute / 60)
        allowed = tokens >= 1 - 1e-9
        self._buckets[who] = (tokens - 1 if allowed else tokens, max(now, before))
        if len(self._buckets) > MAX_REMEMBERED:
            self._buckets.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - tokens) * 60 / self.per_minute - 1e-6))

    def refund(self, who: str) -> None:
        """Give back the token of a request that needed none."""
        if who in self._buckets:
            tokens, when = self._buckets[who]
            self._buckets[who] = (min(self.burst, tokens + 1), when)
