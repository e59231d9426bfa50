"""The signal that asks everything in a process to stop, once and for good."""

import asyncio
import time


class Stopped(Exception):
    """Told to stop while an entry waited; it stays in Redis for the next owner of the partition."""


class Shutdown:
    """Told once, heard by everything that waits."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Tell it."""
        self._event.set()

    def is_set(self) -> bool:
        """Tell whether the process was asked to stop."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Return once it is told."""
        await self._event.wait()

    async def pause(self, seconds: float) -> None:
        """Sleep, but no longer than until it is told."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return

    def check(self) -> None:
        """Raise `Stopped` if it is told."""
        if self._event.is_set():
            raise Stopped

    async def pause_until(self, moment: float) -> None:
        """Wait for a time (Unix seconds), past or to come; raises `Stopped` as soon as it is told."""
        while not self.is_set():
            if (delay := moment - time.time()) <= 0:
                return
            # In steps: the clock may be set while we wait.
            await self.pause(min(delay, 30))
        raise Stopped
