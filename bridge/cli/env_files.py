"""Files of settings: `bridge init` writes one, `bridge --env-file FILE` reads one.

They are what Docker, systemd and a shell read as well: NAME=VALUE lines.
"""

import os
import re
import secrets
import sys
from importlib.resources import files
from pathlib import Path

import click

from bridge import settings
from bridge.cli.terminal import WrongArgument
from bridge.core.errors import BridgeError

LOCAL = "http://localhost:8080"

_LINE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<quote>[\"']?)(?P<value>.*)(?P=quote)")


def read(path: Path) -> dict[str, str]:
    """Return the settings in a file; raises `WrongArgument` if there is none, or it has another line."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongArgument(f"cannot read {path}: {getattr(error, 'strerror', None) or 'no text'}") from None
    return parse(text, where=str(path))


def parse(text: str, *, where: str) -> dict[str, str]:
    """Return the settings in a file's text; raises `WrongArgument` naming the line that is none."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if not (setting := _LINE.fullmatch(stripped)):
            # The line may hold a secret.
            raise WrongArgument(f"{where}, line {number}: write NAME=VALUE, or # before a comment")
        found[setting["name"]] = setting["value"]
    return found


def unknown(path: Path) -> set[str]:
    """Return the names in a file that are none of bridge's; raises as `read` does."""
    return settings.unknown(read(path)) - {"GITHUB_TOKEN", "SSL_CERT_FILE"}


@click.command("init", epilog="Example: bridge init --web-url https://bridge.example.com bridge.env")
@click.argument("file", default="bridge.env")
@click.option(
    "--web-url",
    metavar="URL",
    default=LOCAL,
    show_default=True,
    help="bridge's public address.",
)
@click.option("--redis-url", metavar="URL", default="", help="A Redis that keeps its data.")
def init_command(file: str, web_url: str, redis_url: str) -> None:
    """Write a file of settings with fresh secrets.

    Needs nothing. Only you can read FILE, which has a comment for each setting. With - it is printed instead.
    Never overwrites a file. Says which settings are still missing, and which addresses to register.
    """
    web_url = web_url.rstrip("/")
    _, wrong = settings.examine({"WEB_URL": web_url, "REDIS_URL": redis_url}, needed=frozenset())
    if wrong:
        raise WrongArgument(wrong[0])
    text = render(web_url, redis_url)
    _, problems = settings.examine(parse(text, where=file))
    if file == "-":
        print(text, end="")
    else:
        write(Path(file), text)
        print(f"Wrote {file} with fresh secrets. Only you can read it.", file=sys.stderr)
    print(_next_steps(file, web_url, problems), file=sys.stderr)


def render(web_url: str, redis_url: str = "") -> str:
    """Return the text of a new file of settings; each has secrets of its own."""
    text = (files("bridge.cli") / "settings.env").read_text()
    text = re.sub("<secret>", lambda _: secrets.token_urlsafe(32), text)
    proxy = "1" if web_url.startswith("https://") else "0"
    return text.replace("<web-url>", web_url).replace("<redis-url>", redis_url).replace("<proxy>", proxy)


def write(path: Path, text: str) -> None:
    """Make a file that its owner alone can read; raises `BridgeError` and leaves none if that fails."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    except FileExistsError:
        raise BridgeError(f"{path} already exists: name another file, or move it away") from None
    except OSError as error:
        raise BridgeError(f"cannot write {path}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    except OSError as error:
        path.unlink()
        raise BridgeError(f"cannot write {path}: {error.strerror}") from None


def _next_steps(file: str, web_url: str, problems: list[str]) -> str:
    missing = [name for problem in problems if (name := problem.removesuffix(" is missing")) != problem]
    command = f"bridge --env-file {file if file != '-' else 'FILE'}"
    local = " (GitHub cannot reach this address)" if web_url == LOCAL else ""
    return f"""\
WEB_URL is {web_url}{local}.
Still missing: {", ".join(missing)}.
1. On GitHub, register an OAuth App with the callback {web_url}/auth/github/callback, and enter its id
   and secret. Or set GITHUB_APP=1: bridge then creates a GitHub App at {web_url}/github/manifest,
   which asks for SETUP_SECRET.
2. Start bridge:     {command} serve
3. Check everything: {command} doctor
bridge serves an inbox of its own. Only for another server that speaks Flowdock's protocol, register an OAuth
application there: callback {web_url}/auth/flowdock/callback, setup URI {web_url}/flowdock/setup,
configuration URI {web_url}/flowdock/configure."""
