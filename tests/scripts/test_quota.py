"""A part of a core for a process, by a cgroup and without one; and that nothing is left of it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.benches import quota
from tests.conftest import eventually

CGROUPS = quota.ROOTS[0]
NEEDS_CGROUPS = pytest.mark.skipif(
    not os.access(CGROUPS / "cpu.cfs_quota_us", os.W_OK), reason="no cgroup may be made here"
)


@pytest.fixture
def spinning() -> Iterator[int]:
    """A process that takes all it gets."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        yield process.pid
        process.kill()


def state(pid: int) -> str:
    """The kernel's state of a process: `T` is one that was stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_without_cgroups_a_process_is_stopped_while_it_had_more(spinning: int, tmp_path: Path) -> None:
    async def stopped() -> bool:
        return state(spinning) == "T"

    async def runs() -> bool:
        return state(spinning) != "T"

    # So little that it has more even on a machine that is busy.
    async with quota.part_of_a_core([spinning], 0.02, roots=(tmp_path,)) as means:
        assert "stopped" in means
        for _ in range(2):
            await eventually(stopped)
            await eventually(runs)
        await eventually(stopped)
    await eventually(runs)
    assert not (tmp_path / f"{quota.NAME}{spinning}").exists()


async def test_a_process_that_ends_meanwhile_breaks_nothing(spinning: int, tmp_path: Path) -> None:
    async with quota.part_of_a_core([spinning], 0.5, roots=(tmp_path,)):
        os.kill(spinning, 9)
        await asyncio.to_thread(os.waitid, os.P_PID, spinning, os.WEXITED)


@NEEDS_CGROUPS
async def test_a_quota_holds_while_it_is_open_and_leaves_nothing(spinning: int) -> None:
    folder = CGROUPS / f"{quota.NAME}{spinning}"
    async with quota.part_of_a_core([spinning], 0.25) as means:
        assert "quota" in means
        numbers = [int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period")]
        assert numbers[0] / numbers[1] == 0.25
        assert (folder / "cgroup.procs").read_text().split() == [str(spinning)]
    assert not folder.exists()
    assert state(spinning) != "T"


@NEEDS_CGROUPS
async def test_a_quota_is_gone_after_a_benchmark_that_broke_or_was_killed(spinning: int) -> None:
    left = CGROUPS / f"{quota.NAME}of-one-that-was-killed"
    left.mkdir()
    folder = CGROUPS / f"{quota.NAME}{spinning}"
    with pytest.raises(LookupError):
        async with quota.part_of_a_core([spinning], 0.25):
            assert not left.exists()
            assert folder.exists()
            raise LookupError
    assert not folder.exists()


async def test_quota_and_period_are_one_value_in_version_2(
    spinning: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / f"{quota.NAME}{spinning}"
    make = Path.mkdir

    def as_the_kernel(self: Path) -> None:
        make(self)
        for name in ("cpu.max", "cgroup.procs"):
            (self / name).touch()

    monkeypatch.setattr(Path, "mkdir", as_the_kernel)
    async with quota.part_of_a_core([spinning], 0.25, roots=(tmp_path,)) as means:
        assert "quota" in means
        assert (folder / "cpu.max").read_text() == "5000 20000"
        assert (folder / "cgroup.procs").read_text() == str(spinning)
