"""Gives processes a part of a core each: by the kernel's quota if a cgroup may be made, else by signals."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from scripts.benches.processes import cpu_seconds, freeze, thaw

PERIOD = 0.02
"""Seconds: a process that has a quarter of a core runs 5 ms of each."""

STEP = 0.005
"""Seconds between two looks at how much a process had, where no cgroup may be made."""

ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))
"""The roots of cgroups, of the first and of the second version."""

NAME = "bridge-bench-"


@asynccontextmanager
async def part_of_a_core(
    pids: list[int], share: float, *, roots: tuple[Path, ...] = ROOTS
) -> AsyncIterator[str]:
    """Give each process a `share` of a core; yields the means in words.

    They may be frozen before (`freeze`), and run freely afterwards.
    """
    with ExitStack() as groups:
        has_quota = all(groups.enter_context(_group(pid, share, roots)) for pid in pids)
        pacing = [] if has_quota else [asyncio.create_task(_pace(pid, share)) for pid in pids]
        thaw(*pids)
        try:
            yield "by a quota of the kernel's" if has_quota else "it is stopped while it had more"
        finally:
            for task in pacing:
                task.cancel()
            await asyncio.gather(*pacing, return_exceptions=True)
            thaw(*pids)


@contextmanager
def _group(pid: int, share: float, roots: tuple[Path, ...]) -> Iterator[bool]:
    """Make a cgroup for a process; returns False if none may be made."""
    folder = next((made for root in roots if (made := _made(root, pid, share))), None)
    try:
        yield folder is not None
    finally:
        if folder is not None:
            _remove(folder)


def _made(root: Path, pid: int, share: float) -> Path | None:
    for left in root.glob(f"{NAME}*"):
        # Of a benchmark that was killed, and so are its processes.
        if not Path("/proc", left.name.removeprefix(NAME)).exists():
            _remove(left)
    folder = root / f"{NAME}{pid}"
    period, quota = round(PERIOD * 1e6), round(PERIOD * share * 1e6)
    try:
        folder.mkdir()
        if (folder / "cpu.max").exists():
            _set(folder / "cpu.max", f"{quota} {period}")
        else:
            _set(folder / "cpu.cfs_period_us", period)
            _set(folder / "cpu.cfs_quota_us", quota)
        _set(folder / "cgroup.procs", pid)
    except OSError:
        _remove(folder)
        return None
    return folder


def _set(file: Path, value: object) -> None:
    # Not made where it is missing: then this is no cgroup, or one without this controller.
    with file.open("r+") as opened:
        opened.write(str(value))


def _remove(folder: Path) -> None:
    with suppress(OSError):
        for pid in (folder / "cgroup.procs").read_text().split():
            _set(folder.parent / "cgroup.procs", pid)
    with suppress(OSError):
        folder.rmdir()


async def _pace(pid: int, share: float) -> None:
    """Stop a process whenever it had more than its share so far, for as long as it has."""
    with suppress(OSError):
        begun, before = time.monotonic(), cpu_seconds(pid)
        while True:
            ahead = (cpu_seconds(pid) - before) / share - (time.monotonic() - begun)
            if ahead > 0:
                freeze(pid)
                await asyncio.sleep(ahead)
                thaw(pid)
            await asyncio.sleep(STEP)
