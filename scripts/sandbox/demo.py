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

PORTS = (8080, 8081, 8082)

_WELCOME = """
  GitHub (stand-in)    {github}/{repository}/pulls
  Flowdock (stand-in)  {flowdock}/app/{flow}
  bridge               {bridge}

Open a pull request on the first page and watch its thread appear on the second.
Then click "Assign to me" in the thread's menu. Press Ctrl-C to stop.
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
    options = parser.parse_args(arguments)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_run(check=options.check, with_gallery=options.gallery))
    except Broken as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(*, check: bool, with_gallery: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="bridge-demo-") as folder:
        data = Path(folder)
        log = data / "log"
        with log.open("wb") as output:
            try:
                async with open_house(data, ports=PORTS, output=output if check else None) as house:
                    await _start(house)
                    if with_gallery:
                        await gallery.make(house)
                    await (_check(house) if check else _show(house))
            except Broken:
                if check:
                    print(f"--- log:\n{log.read_text()[-6000:]}", file=sys.stderr)
                raise


async def _start(house: House) -> None:
    house.start("bridge", "serve")
    await house.answers(f"{house.bridge}/readyz")
    await house.connect()


async def _check(house: House) -> None:
    step = 0

    def say(text: str) -> None:
        nonlocal step
        step += 1
        print(f"{step}. {text}", flush=True)

    say("Redis, both stand-ins and bridge are running, and the repository is connected")
    await play(house, say)
    print("All steps passed.")


async def _show(house: House) -> None:
    print(
        _WELCOME.format(
            github=house.github,
            flowdock=house.flowdock,
            bridge=house.bridge,
            repository=REPOSITORY,
            flow=FLOW,
        ),
        flush=True,
    )
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
