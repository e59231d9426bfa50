"""bridge as `pip install .` leaves it: the wheel alone is enough, with what requirements.txt pins."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import Distribution, distribution
from pathlib import Path

import aiohttp
import pytest
from packaging.requirements import Requirement

import bridge
from scripts.sandbox.house import free_port, until
from tests.kits.commands import COMPLETE, ROOT


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([ROOT / "scripts/release", "--dry-run", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(release: Path) -> Path:
    (built,) = release.glob("*.whl")
    return built


def test_a_release_holds_wheel_source_bill_of_materials_and_the_checksum_of_each(release: Path) -> None:
    version = bridge.__version__
    built = {f"bridge-{version}{end}" for end in ("-py3-none-any.whl", ".tar.gz", ".cdx.json")}
    assert {path.name for path in release.iterdir()} == built | {"SHA256SUMS"}
    sums = {f"{sha256((release / name).read_bytes()).hexdigest()}  {name}" for name in built}
    assert set((release / "SHA256SUMS").read_text().splitlines()) == sums
    assert json.loads((release / f"bridge-{version}.cdx.json").read_text())["bomFormat"] == "CycloneDX"
    with tarfile.open(release / f"bridge-{version}.tar.gz") as source:
        files = {name.partition("/")[2] for name in source.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "requirements.txt", "bridge/cli/settings.env"} <= files


REFUSALS = [
    ({"CHANGELOG.md": "## 1.2.3 - 2026-01-31\n"}, {"more": ""}, "commit everything first"),
    ({"CHANGELOG.md": "## Unreleased\n## 1.2.30 - 2026-01-31\n"}, {}, "no line '## 1.2.3 - YYYY-MM-DD'"),
    ({"CHANGELOG.md": "## 1.2.3 - 2026-01-31\n", "dist/old.whl": ""}, {}, "dist is not empty"),
]


@pytest.mark.parametrize(("committed", "lying", "sentence"), REFUSALS, ids=["dirty", "undated", "full"])
def test_nothing_is_released_that_is_not_committed_dated_and_alone(
    tmp_path: Path, committed: dict[str, str], lying: dict[str, str], sentence: str
) -> None:
    def write(files: dict[str, str]) -> None:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)

    write({**committed, "bridge/__init__.py": '__version__ = "1.2.3"\n', "scripts/release": ""})
    shutil.copy(ROOT / "scripts/release", tmp_path / "scripts")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (("init",), ("add", "."), ("commit", "--message", "all")):
        subprocess.run([*git, *command], cwd=tmp_path, check=True, capture_output=True)
    write(lying)
    before = {path for path in tmp_path.rglob("*") if ".git" not in path.parts}
    done = subprocess.run(
        ["bash", "scripts/release"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, sentence in done.stderr) == (1, True), done
    assert {path for path in tmp_path.rglob("*") if ".git" not in path.parts} == before


def test_the_changelog_says_what_this_version_breaks() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    section = re.search(
        rf"^## {re.escape(bridge.__version__)} - .*?(?=^## )", changelog + "\n## ", re.M | re.S
    )
    assert section
    assert "### What breaks, and how to move" in section[0]


def pins() -> Iterator[Distribution]:
    """The distributions that requirements.txt pins for this machine, as this environment has them."""
    for line in re.findall(r"^[a-z0-9-]+==[^\\\n]+", (ROOT / "requirements.txt").read_text(), re.MULTILINE):
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate():
            found = distribution(pin.name)
            assert found.version in pin.specifier, pin
            yield found


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """A fresh environment with bridge in it, its pins and nothing else, installed without a network."""
    fresh = tmp_path / "fresh"
    venv.create(fresh, symlinks=True)
    (packages,) = fresh.glob("lib/python*/site-packages")
    for pin in pins():
        for file in pin.files or []:
            # Commands lie outside, and name the interpreter of this environment.
            if ".." not in file.parts:
                (packages / file).parent.mkdir(parents=True, exist_ok=True)
                (packages / file).symlink_to(Path(str(pin.locate_file(file))))
    pip = [sys.executable, "-m", "pip", "--python", str(fresh / "bin/python")]
    # Without an index, pip refuses a wheel that asks for anything else.
    subprocess.run([*pip, "install", "--no-index", "--isolated", str(wheel)], check=True, capture_output=True)
    return fresh / "bin/bridge"


async def test_the_wheel_alone_serves_its_pages_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    port = free_port()
    environ = {
        **{"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(tmp_path / "state")},
        **COMPLETE,
        **{"PORT": str(port), "LISTEN_ADDRESS": "127.0.0.1", "WEB_URL": f"http://127.0.0.1:{port}"},
    }
    process = await asyncio.create_subprocess_exec(installed, "serve", cwd=empty, env=environ)
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
            # Everything at 127.… is this machine; bridge listens where it was told to.
            with pytest.raises(OSError, match="Connect call failed"):
                await asyncio.open_connection("127.0.0.2", port)
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
    assert (info / "licenses/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    # PyPI refuses it: nobody publishes there by mistake.
    assert "Private :: Do Not Upload" in built.metadata.get_all("Classifier", [])
