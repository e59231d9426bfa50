"""A Redis of real life: one that can be killed, and comes back with what it wrote."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bridge.storage import embedded


class RedisServer:
    """A Redis that can be killed and started again on what it wrote."""

    def __init__(self, data: Path) -> None:
        self.url = ""
        self._data = data
        self._running = ExitStack()

    def start(self) -> None:
        """Start it on its data."""
        self.url = self._running.enter_context(embedded.running(self._data))

    def kill(self, pid: int) -> None:
        """Kill it, unasked."""
        os.kill(pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """Stop it, or bury one that was killed."""
        self._running.close()


@contextmanager
def redis_server(data: Path) -> Iterator[RedisServer]:
    """A Redis for one load."""
    server = RedisServer(data)
    server.start()
    try:
        yield server
    finally:
        server.stop()
