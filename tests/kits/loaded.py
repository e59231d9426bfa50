"""Python processes without the time to load them: each is forked from a process that has loaded bridge once.

Each is a process all the same, with its own environment, folder, input, output and exit status. Some
are loaded anew, to show what loading may do wrong: one of each command (`anew` of `tests.kits.commands.run`),
and what the Procfile, the systemd unit and the supervisor start.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
SECONDS = 60
WIDTH = 8
"""Bytes of an answer: two may be there at once."""
LOADS = (
    *("bridge.cli.connections", "bridge.cli.doctor", "bridge.cli.hook", "bridge.cli.main"),
    *("bridge.cli.recover", "bridge.cli.rotate_keys", "bridge.cli.serve", "bridge.core.messages.rendering"),
    *("bridge.services", "bridge.storage.embedded", "bridge.web.app", "bridge.worker.worker"),
    *("cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.kdf.hkdf"),
    *("encodings.idna", "multiprocessing.connection", "multiprocessing.util"),
    *("redis.asyncio", "redis.asyncio.cluster", "jwt", "uvloop"),
    *("scripts.sandbox.flowdock", "scripts.sandbox.github"),
)
"""The modules that the processes import, lazily imported ones included."""


class Process:
    """A forked `python -m MODULE …`, with the part of `subprocess.Popen` that the tests use."""

    def __init__(
        self,
        args: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: IO[bytes] | int = subprocess.DEVNULL,
        stdout: IO[bytes] | int | None = None,
        stderr: IO[bytes] | int | None = None,
    ) -> None:
        assert args[:2] == [sys.executable, "-m"]
        self.args = list(args)
        self.returncode: int | None = None
        asked = {"folder": str(cwd.resolve()), "module": args[2], "arguments": args[3:], "environ": dict(env)}
        self._answers, its = socket.socketpair()
        with its, Path(os.devnull).open("r+b", buffering=0) as null:
            given = _number(stdin, 0, null)
            out = _number(stdout, 1, null)
            err = out if stderr == subprocess.STDOUT else _number(stderr, 2, null)
            _LOADED.ask([its.fileno(), given, out, err])
        self._answers.sendall(json.dumps(asked).encode() + b"\n")
        self.pid = int(self._answer(SECONDS))

    def _answer(self, seconds: float | None) -> bytes:
        self._answers.settimeout(seconds)
        return self._answers.recv(WIDTH)

    def poll(self) -> int | None:
        """Its exit status, once it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, after so many seconds at most."""
        if self.returncode is None:
            try:
                self.returncode = int(self._answer(timeout))
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._answers.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """As `os.kill`, unless it ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _number(file: IO[bytes] | int | None, own: int, null: IO[bytes]) -> int:
    """The descriptor that a process is given; without a file this process's own."""
    if file is None:
        return own
    if file == subprocess.DEVNULL:
        return null.fileno()
    return file if isinstance(file, int) else file.fileno()


def run(
    folder: Path, *arguments: str, environ: Mapping[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command of bridge in `folder`; `given` is its input."""
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(given.encode())
        stdin.seek(0)
        command = [sys.executable, "-m", "bridge", *arguments]
        env = {"XDG_STATE_HOME": str(folder.resolve()), **environ}
        process = Process(command, cwd=folder, env=env, stdin=stdin, stdout=stdout, stderr=stderr)
        try:
            status = process.wait(SECONDS)
        finally:
            process.kill()
        printed = []
        for file in (stdout, stderr):
            file.seek(0)
            printed.append(file.read().decode())
        return subprocess.CompletedProcess(arguments, status, *printed)


class _Loaded:
    """The process that has loaded it, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def ask(self, files: Sequence[int]) -> None:
        """Have it fork one, which reads what to do from the first of these files."""
        if self._control is None:
            self._control, its = socket.socketpair()
            with its:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.kits.loaded"],
                    cwd=ROOT,
                    env={"PATH": os.environ["PATH"]},
                    stdin=its.fileno(),
                )
        socket.send_fds(self._control, [b"1"], files)

    def stop(self) -> None:
        """End it, if it was started."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.wait()
            self._process = None


_LOADED = _Loaded()
stop = _LOADED.stop


def _serve() -> None:
    """Fork what is asked for, until nobody can ask; in a forked process it returns after its work."""
    for name in LOADS:
        importlib.import_module(name)
    # A forked one then leaves most of that memory as it is, which takes less time than copying it.
    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as control:
        while True:
            asked, files, _, _ = socket.recv_fds(control, 1, 4)
            if not asked:
                return
            if not os.fork():
                break
            for file in files:
                os.close(file)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
    _keep(*files)


def _keep(answers: int, *files: int) -> None:
    """Fork one more, and tell its id and its exit status."""
    with socket.socket(fileno=answers) as answering:
        with answering.makefile() as asking:
            asked = json.loads(asking.readline())
        child = os.fork()
        if child:
            answering.sendall(b"%*d" % (WIDTH, child))
            for file in (0, *files):
                os.close(file)
            _, status = os.waitpid(child, 0)
            # Nobody may be waiting for it.
            with contextlib.suppress(OSError):
                answering.sendall(b"%*d" % (WIDTH, os.waitstatus_to_exitcode(status)))
            os._exit(0)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    sys.argv[1:] = asked["arguments"]
    sys.stdin = os.fdopen(0, closefd=False)
    runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
