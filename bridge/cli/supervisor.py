"""The supervisor of `bridge web`: it starts several processes, replaces those that die, and drains them all.

It holds the writing end of a pipe, which closes when it stops or is killed; its processes then drain.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES, EADDRINUSE
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess

import structlog

from bridge.core.errors import BridgeError

DRAIN_SECONDS = 28
"""A process drains within 25 seconds; systemd and Heroku kill after 30."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds until a process that died is replaced: twice as many each time."""
STEADY_SECONDS = 60
"""One that lived so long is replaced at once."""

log = structlog.get_logger()


def check_port(port: int, address: str | None) -> None:
    """Raise `BridgeError` where somebody listens on the port: the processes would share it with them, too."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.create_server((address or "", port), family=family).close()
        except OSError as error:
            # A machine may lack one of the families.
            if error.errno in (EADDRINUSE, EACCES):
                raise BridgeError(f"cannot listen on port {port}: {error}") from None


def supervise(run: Callable[[int], None], *, count: int) -> None:
    """Keep `count` processes of `run` until SIGTERM or SIGINT, then drain them.

    `run` is given the pipe to read. Raises `BridgeError` if a process does not drain.
    """
    pipe, held = os.pipe()
    with _signals() as (wake, received):

        def process() -> None:
            os.close(held)
            # The supervisor's own handlers came along.
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                run(pipe)
            except BridgeError as error:
                log.error("web_process_failed", reason=str(error))
                sys.exit(1)

        slots = [_Slot(process) for _ in range(count)]
        try:
            while not received:
                pauses = [pause for slot in slots if (pause := slot.tend()) is not None]
                running = [slot.process.sentinel for slot in slots if slot.process]
                connection.wait([wake, *running], timeout=min(pauses, default=None))
            log.info("stopping", signal=signal.Signals(received[0]).name)
        finally:
            os.close(held)
            _drain([slot.process for slot in slots if slot.process])
            os.close(pipe)


def next_pause(last: float, *, lived: float) -> float:
    """Return the seconds until a process that `lived` so long is replaced; `last` were those before."""
    return 0 if lived >= STEADY_SECONDS else min(max(FIRST_PAUSE, 2 * last), LONGEST_PAUSE)


@contextmanager
def _signals() -> Iterator[tuple[socket.socket, list[int]]]:
    """Yield a socket that wakes at SIGTERM and SIGINT, and the list of the signals that came."""
    received: list[int] = []
    wake, written = socket.socketpair()
    written.setblocking(False)
    with wake, written:
        before = signal.set_wakeup_fd(written.fileno())
        handlers = {
            number: signal.signal(number, lambda number, _: received.append(number))
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield wake, received
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)


@dataclass
class _Slot:
    """The place of one process."""

    run: Callable[[], None]
    process: BaseProcess | None = None
    started_at: float = 0
    pause: float = 0
    due: float = 0

    def tend(self) -> float | None:
        """Replace the process if it died; return the seconds until then, None if it runs."""
        now = time.monotonic()
        if self.process and not self.process.is_alive():
            self.pause = next_pause(self.pause, lived=now - self.started_at)
            log.error(
                "web_process_died",
                pid=self.process.pid,
                exit_code=self.process.exitcode,
                restart_in=self.pause,
            )
            self.process = None
            self.due = now + self.pause
        if self.process is None and now >= self.due:
            self.process = get_context("fork").Process(target=self.run)
            self.process.start()
            self.started_at = now
        return None if self.process else self.due - now


def _drain(processes: list[BaseProcess]) -> None:
    """Wait until they have ended; kill those that do not."""
    deadline = time.monotonic() + DRAIN_SECONDS
    for process in processes:
        process.join(max(0, deadline - time.monotonic()))
    late = [process for process in processes if process.is_alive()]
    for process in late:
        process.kill()
        process.join()
    if late:
        raise BridgeError(f"{len(late)} web processes did not end within {DRAIN_SECONDS} seconds")
