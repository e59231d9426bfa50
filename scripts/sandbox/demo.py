"""Run the demo: bridge and both stand-ins on this machine, to click through or to play by itself."""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from pathlib import Path

from scripts.sandbox import gallery
from scripts.sandbox.house import FLOW, REPOSITORY, Broken, House, open_house
from scripts.sandbox.story import play

PORT = 8080
NAMES = ("bridge", "Flowdock", "GitHub")

AS_APP = {
    "GITHUB_APP": "1",
    **dict.fromkeys(("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET", "GITHUB_WEBHOOK_SECRET"), ""),
}
"""The settings of a bridge that makes its GitHub App itself."""

_WHO = """
Who is who. Switch at the top right of GitHub, and at the bottom left of Flowdock.
  Ann (ann-gh)  pushes to the repositories; you are Ann at first
  Bob (bob-gh)  reads them
  Cy  (cy-gh)   administers them: only he connects repositories
"""
_TRY = """
Three things to try
  1. On GitHub, open a pull request: its thread appears in Flowdock.
  2. In the thread's menu, click "Assign to me", and link Ann's accounts, once. From then on,
     buttons just work.
  3. On GitHub, be Bob and request changes. The thread shows whose turn it is.
"""
_TRY_APP = """
Three things to try
  1. On GitHub, be Cy. On bridge, create a GitHub App of the organization acme, and install it
     on all repositories.
  2. In Flowdock, be Cy: Integrations, Add bridge. Link Cy's accounts, and choose a repository.
  3. On GitHub, open a pull request: its thread appears in Flowdock.
"""


def main(arguments: list[str]) -> int:
    """Run the demo; returns 0, or 1 after a sentence about what failed."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Try bridge on this machine.")
    parser.add_argument(
        "--check", action="store_true", help="play one story from start to end, without a browser"
    )
    parser.add_argument(
        "--gallery",
        action="store_true",
        help="start with a pull request in each status and each kind of message",
    )
    parser.add_argument(
        "--app", action="store_true", help="start with nothing connected, to create a GitHub App"
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="of bridge (%(default)s); the stand-ins have the next two"
    )
    options = parser.parse_args(arguments)
    if options.app and (options.check or options.gallery):
        parser.error("--app starts with nothing connected: --check and --gallery need a repository")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_run(options))
    except Broken as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(options: argparse.Namespace) -> None:
    ports = (options.port, options.port + 1, options.port + 2)
    with tempfile.TemporaryDirectory(prefix="bridge-demo-") as folder:
        data = Path(folder)
        log = data / "log"
        with log.open("wb") as output:
            try:
                settings = AS_APP if options.app else {}
                async with open_house(data, ports=ports, output=output, settings=settings) as house:
                    await _start(house, options)
                    await (_check(house) if options.check else _show(house, options, log))
            except Broken:
                print(f"--- log:\n{log.read_text()[-6000:]}", file=sys.stderr)
                raise


async def _start(house: House, options: argparse.Namespace) -> None:
    house.start("bridge", "serve")
    await house.answers(f"{house.bridge}/readyz")
    if not options.app:
        await house.connect()
    if options.gallery:
        await gallery.make(house)


async def _check(house: House) -> None:
    step = 0

    def say(text: str) -> None:
        nonlocal step
        step += 1
        print(f"{step}. {text}", flush=True)

    say("Redis, both stand-ins and bridge are running, and the repository is connected")
    await play(house, say)
    print("All steps passed.")


async def _show(house: House, options: argparse.Namespace, log: Path) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    print(
        welcome(house, port=options.port, app=options.app, log=log, colours=sys.stdout.isatty()), flush=True
    )
    await stopped.wait()
    print("\nStopped. Nothing is kept.")


def welcome(house: House, *, port: int, app: bool, log: Path, colours: bool) -> str:
    """Return what the demo says once it runs: the addresses last, in bold where there are `colours`."""
    taken = [
        f"Port {wanted} is taken: {name} has {given} instead. --port chooses others."
        for wanted, name, url in zip(
            range(port, port + len(NAMES)), NAMES, (house.bridge, house.flowdock, house.github), strict=True
        )
        if (given := url.rpartition(":")[2]) != str(wanted)
    ]
    bold, plain = ("\x1b[1m", "\x1b[0m") if colours else ("", "")
    addresses = (
        ("GitHub", f"{house.github}/{REPOSITORY}/pulls"),
        ("Flowdock", f"{house.flowdock}/app/{FLOW}"),
        ("bridge", f"{house.bridge}/github/manifest" if app else house.bridge),
    )
    lines = [f"  {bold}{name:<10}{url}{plain}" for name, url in addresses]
    return "\n".join(
        [*taken, _WHO + (_TRY_APP if app else _TRY), f"The log is {log}. Ctrl-C stops all.", "", *lines, ""]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
