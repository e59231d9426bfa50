"""Processes as the kernel sees them: CPU time, memory, and how to freeze one."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, its own and the kernel's for it; raises `OSError` if it is gone."""
    # The clock that clock_getcpuclockid(3) names: to the nanosecond, where /proc/PID/stat has 10 ms.
    return time.clock_gettime((~pid << 3) | 2)


def resident_mb(pid: int) -> float:
    """Resident memory (VmRSS), what it shares with others included."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") / 1000


def proportional_mb(pid: int) -> float:
    """Resident memory, of what is shared only its part (PSS)."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1000


def _kilobytes(path: Path, name: str) -> float:
    """Return the value in kB of 1,000 bytes; the kernel's kB are 1,024 bytes."""
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
