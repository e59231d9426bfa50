"""A Redis of the stand-in Flowdock's own: what breaks bridge's leaves it alone. One serves a whole run."""

import itertools
import tempfile
from contextlib import ExitStack
from pathlib import Path

from redis import Redis

from bridge.storage import embedded

DATABASES = 16

_running = ExitStack()
_urls: list[str] = []
_numbers = itertools.count()
stop = _running.close


def url() -> str:
    """The URL of a database that no other of the last few stand-ins has."""
    if not _urls:
        folder = _running.enter_context(tempfile.TemporaryDirectory())
        _urls.append(_running.enter_context(embedded.running(Path(folder))))
        with Redis.from_url(_urls[0]) as redis:
            # Nothing in it outlives the run.
            redis.config_set("appendonly", "no")
    return f"{_urls[0]}?db={next(_numbers) % DATABASES}"
