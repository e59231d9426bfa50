"""Log that Redis is away: a line when it stops answering, one a minute until it is back, and one then."""

import math
import time

import structlog
from redis.exceptions import AskError, MovedError, NoScriptError, RedisError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeout

REMINDER_SECONDS = 60

_NO_ANSWER = (RedisConnectionError, RedisTimeout, OSError)
_REDIRECTIONS = (AskError, MovedError, TryAgainError)

log = structlog.get_logger()


class Availability:
    """The availability of one server, in the log: one line for all loops and requests that fail."""

    def __init__(self, address: str, *, is_node: bool = False) -> None:
        """Name the server by its address; redirections of a cluster's node are followed, and not logged."""
        self._address = address
        self._expected = (NoScriptError, *_REDIRECTIONS) if is_node else (NoScriptError,)
        self._away_since: float | None = None
        self._reminded_at = self._refused_at = -math.inf

    def answered(self) -> None:
        """Log that Redis is back, if it was away."""
        if self._away_since is not None:
            away_seconds = round(time.monotonic() - self._away_since, 1)
            log.info("redis_available", address=self._address, away_seconds=away_seconds)
            self._away_since, self._reminded_at = None, -math.inf

    def failed(self, error: RedisError | OSError) -> None:
        """Log that Redis does not answer, or refuses a command, unless that was logged within a minute."""
        if isinstance(error, _NO_ANSWER):
            self._no_answer(error)
        # A script's own error is one word, which its caller knows.
        elif not isinstance(error, self._expected) and " " in str(error):
            self.refused(error)

    def _no_answer(self, error: Exception) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now - self._reminded_at >= REMINDER_SECONDS:
            self._reminded_at = now
            away_seconds, kind = round(now - self._away_since, 1), type(error).__name__
            log.warning("redis_unavailable", address=self._address, error=kind, away_seconds=away_seconds)

    def refused(self, error: Exception) -> None:
        """Log that a command is refused, unless that was logged within a minute."""
        now = time.monotonic()
        if now - self._refused_at >= REMINDER_SECONDS:
            self._refused_at = now
            log.warning("redis_refused", address=self._address, error=type(error).__name__)
