"""How often somebody may ask: a bucket of tokens each, that fills up again as time passes.

https://en.wikipedia.org/wiki/Token_bucket. What is remembered is bounded: of too many the one that asked
longest ago is forgotten, whose bucket is the fullest.
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
    """Tokens left and when that was, by who asks."""

    def wait(self, who: str, now: float) -> int:
        """Take a token: 0 if there was one, else the whole seconds until there is; `now` in seconds."""
        tokens, before = self._buckets.pop(who, (float(self.burst), now))
        tokens = min(self.burst, tokens + max(0, now - before) * self.per_minute / 60)
        allowed = tokens >= 1 - 1e-9
        self._buckets[who] = (tokens - 1 if allowed else tokens, max(now, before))
        if len(self._buckets) > MAX_REMEMBERED:
            self._buckets.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - tokens) * 60 / self.per_minute - 1e-6))

    def refund(self, who: str) -> None:
        """Give back the token of a request that turned out to be none of those that are limited."""
        if who in self._buckets:
            tokens, when = self._buckets[who]
            self._buckets[who] = (min(self.burst, tokens + 1), when)
