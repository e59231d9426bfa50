"""`python -m bridge` without the time to load it: each command is forked from a process that did, once.

The command is a process all the same, with its own environment, folder, input, output and exit status. One of
each command is loaded anew (`anew` of `tests.kits.commands.run`), to show what loading may do wrong.
"""

import gc
import importlib
import json
import os
import runpy
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS = 60
LOADS = (
    *("bridge.cli.connections", "bridge.cli.doctor", "bridge.cli.hook", "bridge.cli.recover"),
    *("bridge.cli.rotate_keys", "bridge.services", "redis.asyncio", "redis.asyncio.cluster"),
)
"""What the commands import, also those that do so only when they run."""


class _Loaded:
    """The process that has loaded it, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._one_at_a_time = threading.Lock()

    def ask(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Have it run one command; its status and what it printed."""
        with self._one_at_a_time:
            process = self._process = self._process or _start()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], SECONDS)[0]:
                self._end()
                raise TimeoutError(f"bridge {asked['arguments']} did not end")
            done: dict[str, Any] = json.loads(process.stdout.readline())
            return done

    def stop(self) -> None:
        """End it, if it was started."""
        with self._one_at_a_time:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


_LOADED = _Loaded()
stop = _LOADED.stop


def run(
    folder: Path, *arguments: str, environ: Mapping[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command of bridge in `folder`; `given` is its input."""
    asked = {
        "folder": str(folder.resolve()),
        "arguments": arguments,
        "environ": {"XDG_STATE_HOME": str(folder.resolve()), **environ},
        "given": given,
    }
    done = _LOADED.ask(asked)
    return subprocess.CompletedProcess(arguments, done["status"], done["out"], done["err"])


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.kits.loaded"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _serve() -> None:
    """Run what is asked for, line by line; in the processes that are forked it returns."""
    for name in LOADS:
        importlib.import_module(name)
    # A forked one then leaves most of that memory as it is, which takes less time than copying it.
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(asked["given"].encode())
            given.seek(0)
            child = os.fork()
            if not child:
                for file, number in ((given, 0), (out, 1), (err, 2)):
                    os.dup2(file.fileno(), number)
                os.chdir(asked["folder"])
                os.environ.clear()
                os.environ.update(asked["environ"])
                sys.argv[1:] = asked["arguments"]
                sys.stdin = os.fdopen(0, closefd=False)
                runpy.run_module("bridge", run_name="__main__", alter_sys=True)
                return
            _, status = os.waitpid(child, 0)
            done: dict[str, Any] = {"status": os.waitstatus_to_exitcode(status)}
            for name, file in (("out", out), ("err", err)):
                file.seek(0)
                done[name] = file.read().decode()
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
