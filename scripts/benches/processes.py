"""What the kernel tells of a process: its CPU time and memory; and how to give it a part of a core."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

PERIOD = 0.04
"""Seconds: a process that has a quarter of a core runs 10 ms of each."""


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory (VmRSS), what it shares with others included."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") / 1000


def proportional_mb(pid: int) -> float:
    """Resident memory, of what is shared only its part (PSS)."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1000


def _kilobytes(path: Path, name: str) -> float:
    """The kernel's kB are 1024 bytes."""
    lines = path.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1.024


def freeze(*pids: int) -> None:
    """Have processes stand still."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


def thaw(*pids: int) -> None:
    """Have them go on."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def part_of_a_core(pids: list[int], share: float) -> AsyncIterator[None]:
    """Each process runs for `share` of the time, in turn, so that few cores are enough for all."""

    async def throttle(at: int, pid: int) -> None:
        await asyncio.sleep(PERIOD * at / len(pids))
        with suppress(ProcessLookupError):
            while True:
                thaw(pid)
                await asyncio.sleep(PERIOD * share)
                freeze(pid)
                await asyncio.sleep(PERIOD * (1 - share))

    freeze(*pids)
    tasks = [asyncio.create_task(throttle(at, pid)) for at, pid in enumerate(pids)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        thaw(*pids)
