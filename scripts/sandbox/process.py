"""The part of `subprocess.Popen` that a house needs."""

from typing import Any, Protocol


class Process(Protocol):
    """A process that was started: this part of `subprocess.Popen`."""

    args: Any
    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends; returns the exit status."""

    def send_signal(self, number: int, /) -> None:
        """Send it a signal, unless it ended."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it at once."""
