"""Old clients of Flowdock as their authors left them, installed once for each version of their pins."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

PINS = Path(__file__).parents[1] / "inbox" / "clients"


def npm(config: pytest.Config) -> Path:
    """The folder of node_modules; without npm the test is skipped, under CI it fails."""
    return _once(config, "npm", ("package.json", "package-lock.json"), _npm_ci) / "node_modules"


def pypi(config: pytest.Config) -> Path:
    """The folder of Python's packages."""
    return _once(config, "pypi", ("installer.txt", "requirements.txt"), _pip_install) / "packages"


def _once(config: pytest.Config, name: str, pins: tuple[str, ...], install: Callable[[Path], None]) -> Path:
    assert config.cache
    kept = config.cache.mkdir("old-clients")
    digest = hashlib.sha256(b"".join((PINS / pin).read_bytes() for pin in pins)).hexdigest()
    folder = kept / f"{name}-{digest[:12]}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=kept) as made:
            whole = Path(made) / "whole"
            whole.mkdir()
            install(whole)
            whole.rename(folder)
    return folder


def _npm_ci(folder: Path) -> None:
    if shutil.which("npm") is None:
        _miss("there is no npm here: apt-get install nodejs npm")
    for pin in ("package.json", "package-lock.json"):
        shutil.copy(PINS / pin, folder)
    _run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", cwd=folder)


def _pip_install(folder: Path) -> None:
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target")
    _run(*pip, "pip", "-r", str(PINS / "installer.txt"), cwd=folder)
    older = {"PYTHONPATH": str(folder / "pip")}
    _run(*pip, "packages", "-r", str(PINS / "requirements.txt"), cwd=folder, environ=older)


def _run(*command: str, cwd: Path, environ: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(environ or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        _miss(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def _miss(reason: str) -> NoReturn:
    pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    raise AssertionError
