"""Tells open pages that something changed."""

import asyncio


class Watch:
    """A counter one can wait for."""

    def __init__(self) -> None:
        self.version = 0
        self.closed = False
        self._changed = asyncio.Event()

    def bump(self) -> None:
        """Something changed."""
        self.version += 1
        self._wake()

    def close(self) -> None:
        """Wake all waiters for good: the server stops."""
        self.closed = True
        self._wake()

    async def wait(self, seconds: float) -> bool:
        """Wait for the next change; false if none came in time."""
        changed = self._changed
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
