"""A process that is forked from what is loaded is one like any other: `tests.kits.loaded`."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.sandbox.process import Process
from tests.kits import loaded

Popen = Callable[..., Process]
STAND_IN = [sys.executable, "-m", "scripts.sandbox.github", "--port", "0"]


@pytest.fixture(params=[subprocess.Popen, loaded.Process])
def popen(request: pytest.FixtureRequest) -> Popen:
    chosen: Popen = request.param
    return chosen


@pytest.fixture
def environ() -> dict[str, str]:
    return {"PYTHONPATH": str(loaded.ROOT)}


async def test_it_prints_and_ends_with_its_status(
    popen: Popen, environ: dict[str, str], tmp_path: Path
) -> None:
    printed = tmp_path / "printed"
    with printed.open("wb") as output:
        process = popen(
            [sys.executable, "-m", "bridge", "nothing"],
            cwd=tmp_path,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        assert process.wait(60) == process.returncode == process.poll() == 2
    assert "nothing" in printed.read_text()
    process.kill()


@pytest.mark.parametrize(("end", "status"), [("terminate", 0), ("kill", -9)])
async def test_it_runs_until_it_is_told_or_killed(
    popen: Popen, environ: dict[str, str], tmp_path: Path, end: str, status: int
) -> None:
    printed = tmp_path / "printed"
    with printed.open("wb") as output:
        process = popen(STAND_IN, cwd=tmp_path, env=environ, stdout=output)
    while b"GitHub" not in printed.read_bytes():
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.02)
    getattr(process, end)()
    assert process.wait(60) == process.poll() == status
