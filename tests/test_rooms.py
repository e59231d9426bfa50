"""The rooms are held by package: what nobody listed breaks the build, and tests/ has the same rooms."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What is no room of bridge's: data and helpers, tests across rooms, and tests of what lies beside bridge/.
BESIDE = {"attacks", "deployment", "examples", "faults", "kits", "sandbox", "scripts", "stories"}
LINT = Path(sys.executable).parent / "lint-imports"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the import rules look at."""
    for folder in ("bridge", "scripts"):
        kept = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=kept)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT, "--no-cache"], cwd=checkout, capture_output=True, text=True, check=False)


def test_the_rooms_are_kept(checkout: Path) -> None:
    found = lint(checkout)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bridge/unlisted.py", ""),
        ("bridge/core/unlisted.py", ""),
        ("bridge/core/pulls/odd.py", "import asyncio\n"),
        ("bridge/worker/odd.py", "from bridge.web import app\n"),
        ("bridge/storage/odd.py", "from bridge.queue import entries\n"),
        ("bridge/web/odd.py", "import gidgethub\n"),
        ("bridge/worker/odd.py", "import click\n"),
    ],
)
def test_what_is_in_no_room_or_reaches_up_breaks_them(checkout: Path, path: str, text: str) -> None:
    (checkout / path).write_text(f'"""Odd."""\n\n{text}')
    found = lint(checkout)
    assert found.returncode == 1, found.stdout
    assert "BROKEN" in found.stdout or "odd" in found.stdout or "unlisted" in found.stdout


def test_tests_lie_in_the_rooms_of_bridge() -> None:
    """At the root lie those of the modules at bridge's root, and of the whole."""
    tests = ROOT / "tests"
    for path in tests.rglob("test_*.py"):
        folder = path.parent.relative_to(tests)
        if folder == Path():
            module = path.name.removeprefix("test_")
            of_all = module in {"rooms.py", "tests.py", "threats.py"}
            assert of_all or (ROOT / "bridge" / module).exists(), path
        elif folder.parts[0] not in BESIDE:
            assert (ROOT / "bridge" / folder / "__init__.py").exists(), path
