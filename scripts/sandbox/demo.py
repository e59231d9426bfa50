"""Run the demo: bridge with its inbox and a stand-in GitHub, to click through or to play by itself."""

import argparse
import asyncio
import contextlib
import re
import signal
import sys
import tempfile
from pathlib import Path

from scripts.sandbox import gallery
from scripts.sandbox.house import REPOSITORY, Broken, House, open_house, until
from scripts.sandbox.story import play
from scripts.sandbox.team import FLOW_PATH, gather

PORT = 8080
NAMES = ("bridge", "GitHub")

AS_APP = {
    "GITHUB_APP": "1",
    **dict.fromkeys(("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET", "GITHUB_WEBHOOK_SECRET"), ""),
}
"""The settings of a bridge that makes its GitHub App itself."""

WITH_TEAM = {"INBOX_ORGANIZATIONS": "acme", "PAGE_LIMIT": "0"}
"""Those of one with Ann, Bob and Cy: they sign in quickly."""

_WHO = """
Who is who. Choose one at each sign-in, and switch at the top right of GitHub.
  Ann (ann-gh)  pushes to the repositories
  Bob (bob-gh)  reads them
  Cy  (cy-gh)   administers them, and owns the inbox
"""
_TRY = """
Three things to try
  1. In the inbox, sign in with GitHub as Ann. Open {thread}; "Merge" is under "More actions".
  2. On GitHub, open a pull request: its thread appears in the inbox, live.
  3. On GitHub, be Bob and request changes. The thread shows whose turn it is.
"""
_TRY_APP = """
Three things to try
  1. In the inbox, create a GitHub App: on GitHub be Cy, make it for the organization acme, and
     install it on all repositories. Then open the address below again, and sign in as Cy.
  2. Create a flow, click "Connect a repository", and choose one.
  3. On GitHub, open a pull request: its thread appears in the flow.
"""
INVITATION = re.compile(r"http\S+/inbox/invitation/\S+")


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
    parser.add_argument("--port", type=int, default=PORT, help="of bridge (%(default)s); GitHub has the next")
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
    ports = (options.port, options.port + 1)
    with tempfile.TemporaryDirectory(prefix="bridge-demo-") as folder:
        data = Path(folder)
        log = data / "log"
        with log.open("wb") as output:
            try:
                settings = AS_APP if options.app else WITH_TEAM
                async with open_house(data, ports=ports, output=output, settings=settings) as house:
                    await _start(house, options)
                    await (_check(house) if options.check else _show(house, options, log))
            except Broken:
                print(f"--- log:\n{log.read_text()[-6000:]}", file=sys.stderr)
                raise


async def _start(house: House, options: argparse.Namespace) -> None:
    house.start("bridge", "serve")
    await house.answers(f"{house.bridge}/readyz")
    if options.app:
        return
    await gather(house)
    if options.gallery:
        await gallery.make(house)
    elif not options.check:
        await house.act("ann-gh", "open", title="Say when it was merged", head="merged-at", base="main")
        await house.act("ann-gh", "open", title="Show the status at once", head="status", base="main")


async def _address(house: House, log: Path, *, app: bool) -> str:
    """Return the address to begin at: the flow, or the way in for the first owner."""

    async def printed() -> str:
        found = INVITATION.search(await asyncio.to_thread(log.read_text))
        return found[0] if found else ""

    if not app:
        return house.bridge + FLOW_PATH
    address: str = await until(printed, "bridge prints no address for the first owner")
    return address


async def _check(house: House) -> None:
    step = 0

    def say(text: str) -> None:
        nonlocal step
        step += 1
        print(f"{step}. {text}", flush=True)

    say("Redis, the stand-in GitHub and bridge are running, and the repository is connected to a flow")
    await play(house, say)
    print("All steps passed.")


async def _show(house: House, options: argparse.Namespace, log: Path) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    begin = await _address(house, log, app=options.app)
    colours = sys.stdout.isatty()
    thread = f"“{gallery.READY}”" if options.gallery else "the first thread"
    said = welcome(house, begin, port=options.port, app=options.app, log=log, colours=colours, thread=thread)
    print(said, flush=True)
    await stopped.wait()
    print("\nStopped. Nothing is kept.")


def welcome(house: House, begin: str, *, port: int, app: bool, log: Path, colours: bool, thread: str) -> str:
    """Return what the demo says once it runs: the address `begin` last, in bold where there are `colours`.

    `thread` is one that can be merged.
    """
    taken = [
        f"Port {wanted} is taken: {name} has {given} instead. --port chooses others."
        for wanted, name, url in zip(
            range(port, port + len(NAMES)), NAMES, (house.bridge, house.github), strict=True
        )
        if (given := url.rpartition(":")[2]) != str(wanted)
    ]
    bold, plain = ("\x1b[1m", "\x1b[0m") if colours else ("", "")
    lines = [
        f"  GitHub     {house.github}/{REPOSITORY}/pulls",
        f"  bridge     {house.bridge}",
        "",
        f"{bold}Open this:   {begin}{plain}",
    ]
    return "\n".join(
        [
            *taken,
            _WHO + (_TRY_APP if app else _TRY.format(thread=thread)),
            f"The log is {log}. Ctrl-C stops all.",
            "",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
