"""bridge as `pip install .` leaves it: the wheel alone is enough, with what requirements.txt pins."""

import asyncio
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import aiohttp
import pytest
from packaging.requirements import Requirement

import bridge
from scripts.sandbox.house import free_port, until
from tests.kits.commands import COMPLETE, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


async def test_the_wheel_alone_serves_its_pages_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        str(wheel),
    ]
    # What bridge needs is in this environment, bridge itself is not.
    subprocess.run(install, check=True, capture_output=True)  # noqa: ASYNC221
    command, port = str(site / "bin/bridge"), free_port()
    environ = {
        **{"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "XDG_STATE_HOME": str(tmp_path / "state")},
        **COMPLETE,
        **{"PORT": str(port), "WEB_URL": f"http://127.0.0.1:{port}"},
    }
    process = await asyncio.create_subprocess_exec(command, "serve", cwd=empty, env=environ)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:

            async def get(path: str) -> str:
                async with http.get(path) as response:
                    assert response.status == 200
                    return await response.text()

            async def ready() -> bool:
                try:
                    return bool(await get("/readyz"))
                except (aiohttp.ClientError, AssertionError):
                    return False

            await until(ready, "bridge does not get ready")
            page = await get("/")
            assert "<h1" in page
            (style,) = re.findall(r'href="(/static/style[^"]+)"', page)
            assert "{" in await get(style)
    finally:
        process.terminate()
        assert await process.wait() == 0
    assert list(empty.iterdir()) == [], "what bridge keeps is in the state folder"
    assert (tmp_path / "state/bridge/redis/appendonlydir").is_dir()


def test_the_wheel_holds_every_file_of_bridge_and_its_metadata(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        files = set(opened.namelist())
        opened.extractall(tmp_path / "site")
    ours = [path for path in (ROOT / "bridge").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert {name for name in files if name.startswith("bridge/")} == {
        str(path.relative_to(ROOT)) for path in ours
    }
    (info,) = (tmp_path / "site").glob("*.dist-info")
    built = Distribution.at(info)
    assert built.version == bridge.__version__
    assert [(one.name, one.group) for one in built.entry_points] == [("bridge", "console_scripts")]


def test_requirements_txt_pins_what_the_wheel_asks_for() -> None:
    """`pip install --require-hashes -r requirements.txt` leaves nothing for the wheel to fetch."""
    pins = dict(
        re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    )
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        asked = Requirement(line)
        assert asked.specifier.contains(pins[asked.name.lower().replace("_", "-")]), line
