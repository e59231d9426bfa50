"""Secrets that must never be seen: every one made while a test runs, found by its maker.

`install` has the makers of secrets in bridge and the stand-ins (Python's `secrets`, `jwt.encode`, the derived
webhook secrets) noted down, so that a new kind of secret is known without anybody telling. `leaks` looks for
them. What only names something is listed in `NAMES`.
"""

import base64
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote, quote_plus

import jwt
import pytest

from bridge.settings import Settings

SHORTEST = 12
SHORTEST_RANDOM = 16
"""Characters; what is shorter names something, and would be found by chance."""

NAMES = frozenset(
    {
        "bridge.monitor.connections",
        "bridge.queue.leases",
        "bridge.connections.bulk_connect",
        "bridge.inbox.flows.flows",
        "scripts.sandbox.github.rest",
    }
)
"""Modules whose random values name a holder, an address or a request, and open nothing."""
NAMES_IN_REDIS = frozenset({"bridge.web.endpoints.actions"})
"""A claim's id is its key's name: it is none without COOKIE_SECRET."""

_SHAPES = {
    "a GitHub token": re.compile(rb"gh[oprsu]_[0-9A-Za-z]{30}"),
    "a JWT": re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}"),
    "a private key": re.compile(rb"PRIVATE KEY-----"),
    "a secret of the stand-ins": re.compile(rb"only-for-trying-bridge-out"),
}
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


@dataclass(frozen=True)
class Secret:
    """A secret and who made it."""

    value: str
    maker: str


KNOWN: dict[str, Secret] = {}
"""All that were made since `forget`, by their value."""
_seen: list[str] = []


def install() -> None:
    """Note what the makers make from now on; and what tests take out of pytest's own record of the output."""
    for name in ("token_hex", "token_urlsafe"):
        setattr(secrets, name, _noting(getattr(secrets, name)))
    jwt.encode = _noting(jwt.encode)
    read = pytest.CaptureFixture.readouterr

    def readouterr(self: pytest.CaptureFixture[Any]) -> Any:
        found = read(self)
        saw(f"{found.out}{found.err}")
        return found

    pytest.CaptureFixture.readouterr = readouterr  # type: ignore[method-assign]


def _noting(make: Callable[..., str]) -> Callable[..., str]:
    def noting(*args: Any, **kwargs: Any) -> str:
        made = make(*args, **kwargs)
        maker = sys._getframe(1).f_globals["__name__"]
        if maker.startswith(("bridge.", "scripts.sandbox.")) and len(made) >= SHORTEST_RANDOM:
            know(made, maker)
        return made

    return noting


def know(value: str, maker: str) -> None:
    """A secret from elsewhere, or as above."""
    if len(value) >= SHORTEST:
        KNOWN[value] = Secret(value, maker)


def know_settings(settings: Settings) -> None:
    """All settings that stay out of a `repr`: they are the secret ones."""
    for one in fields(settings):
        value = getattr(settings, one.name)
        if not one.repr and one.name != "redis_url" and value:
            for secret in (value,) if isinstance(value, str) else value:
                know(secret, f"settings.{one.name}")


def saw(text: str) -> None:
    """Something that was printed, and is nowhere else now."""
    _seen.append(text)


def forget() -> None:
    """Begin anew, for another test."""
    KNOWN.clear()
    _seen.clear()


def leaks(data: bytes, *, but: Iterable[str] = NAMES) -> list[str]:
    """The makers of the secrets in `data` (as they are, or encoded), `but` for these modules."""
    exempt = set(but)
    layers = [data, *_decoded(data)]
    found = {
        one.maker
        for one in KNOWN.values()
        if one.maker not in exempt and any(form in layer for form in _forms(one.value) for layer in layers)
    }
    found |= {shape for shape, pattern in _SHAPES.items() if any(map(pattern.search, layers))}
    return sorted(found)


def printed_leaks(more: str = "") -> list[str]:
    """The same of all that was printed."""
    return leaks("\n".join([*_seen, more]).encode(errors="replace"))


def logs(item: pytest.Item) -> list[str]:
    """The files that a test's processes wrote into its own folder."""
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    found = sorted(folder.rglob("*.log")) if folder is not None and folder.exists() else []
    return [one.read_text(errors="replace") for one in found]


def _forms(value: str) -> set[bytes]:
    return {form.encode() for form in (value, quote(value, safe=""), quote_plus(value), value.upper())}


def _decoded(data: bytes) -> Iterator[bytes]:
    """The base64 in `data`, decoded and joined; and again the base64 in that."""
    for _ in range(3):
        found = []
        for match in _BASE64.findall(data):
            whole = match.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
            # A path or a name may run into it: each of the four ways to begin is tried.
            found += [base64.b64decode(cut + b"=" * (-len(cut) % 4)) for cut in _cuts(whole)]
        data = b"\n".join(found)
        if not data:
            return
        yield data


def _cuts(text: bytes) -> Iterator[bytes]:
    for begin in range(4):
        cut = text[begin:]
        yield cut if len(cut) % 4 != 1 else cut[:-1]
