"""The signal to shut a process down: it is given once, and not taken back."""

import asyncio
import time


class Stopped(Exception):
    """The process shuts down; what waited stays in Redis for the next owner of its partition."""


class Shutdown:
    """The shutdown signal of a process, which all its loops wait for."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Give the signal."""
        self._event.set()

    def is_set(self) -> bool:
        """Tell whether the signal was given."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Wait for the signal."""
        await self._event.wait()

    async def pause(self, seconds: float) -> None:
        """Sleep, but wake up at the signal."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return

    def check(self) -> None:
        """Raise `Stopped` once the signal was given."""
        if self._event.is_set():
            raise Stopped

    async def pause_until(self, moment: float) -> None:
        """Wait until a time (Unix seconds), which may be past. Raises `Stopped` at the signal."""
        while not self.is_set():
            if (delay := moment - time.time()) <= 0:
                return
            # In steps: the clock may be set while we wait.
            await self.pause(min(delay, 30))
        raise Stopped
