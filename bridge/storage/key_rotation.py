"""Rotation of ENCRYPTION_KEY: re-encrypts everything in Redis with the first key.

bridge may run meanwhile: a value that changed since it was read is read again. Lifetimes are kept. A value
that no key decrypts is left alone.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

import orjson

from bridge.core.security.encryption import Undecryptable, Vault, key_name
from bridge.storage import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

PAGE = 500
"""Keys that Redis looks at in one step of the scan."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of encrypted values: the keys that begin with `prefix`.

    `place` and the rest of the key make the associated data; `within` is the encrypted field of a JSON
    object, empty if the whole value is encrypted.
    """

    name: str
    prefix: str
    place: str
    within: str = ""

    def read(self, value: bytes) -> bytes:
        """Return the encrypted part; raises ValueError or KeyError if there is none."""
        return str(orjson.loads(value)[self.within]).encode() if self.within else value

    def write(self, value: bytes, sealed: bytes) -> bytes:
        """Return the value with another encrypted part."""
        return orjson.dumps(orjson.loads(value) | {self.within: sealed.decode()}) if self.within else sealed


KINDS = (
    Kind(name="flow tokens", prefix=keys.connection(""), place="connection:", within="flow_token"),
    Kind(name="GitHub tokens", prefix=keys.account(""), place="account:", within="token"),
    Kind(name="GitHub App", prefix=keys.GITHUB_APP, place=keys.GITHUB_APP),
    Kind(name="inbox's application", prefix=keys.INBOX_APPLICATION, place=keys.INBOX_APPLICATION),
    Kind(name="inbox's key for push services", prefix="inbox:{people}:vapid", place="inbox:{people}:vapid"),
    Kind(name="GitHub tokens to link", prefix="inbox:{people}:rights:", place="inbox-rights:"),
    Kind(name="GitHub tokens of the inbox", prefix="inbox:{people}:github:", place="inbox-github:"),
    Kind(name="webhook secrets", prefix=keys.webhook(""), place="webhook:"),
    Kind(name="connects under way", prefix=keys.intent(""), place="intent:"),
    Kind(name="sessions and sign-ins", prefix=keys.once("", "").removesuffix(":"), place=""),
)
"""All kinds of encrypted values. A test finds any other in Redis."""


@dataclass(kw_only=True)
class Tally:
    """The result of rotating one kind of value."""

    rewritten: int = 0
    """Re-encrypted; with `dry_run`, those that would be."""
    newest: int = 0
    unreadable: int = 0


@dataclass(kw_only=True)
class Rotated:
    """The result of a rotation."""

    kinds: dict[str, Tally] = field(default_factory=lambda: {kind.name: Tally() for kind in KINDS})
    missing: Counter[str] = field(default_factory=Counter)
    """The number of values encrypted with a missing key, by its name (`encryption.key_name`)."""
    damaged: int = 0
    """The number of values that no key decrypts: cut, changed, or moved from their place."""


def kind_of(name: str) -> Kind | None:
    """Return the kind of values that a key holds, None if they are not encrypted."""
    for kind in KINDS:
        is_one = kind.prefix == kind.place
        if name == kind.prefix if is_one else name.startswith(kind.prefix) and name != kind.prefix:
            return kind
    return None


async def rotate(
    redis: Redis, vault: Vault, *, dry_run: bool, progress: Callable[[int, int], None]
) -> Rotated:
    """Re-encrypt what the first key does not decrypt; with `dry_run`, only count.

    `progress` is called with the number of keys looked at and of all keys. Safe to repeat.
    """
    rotation = _Rotation(redis, vault, dry_run=dry_run)
    total = await rotation.size()
    looked = 0
    async for names in rotation.pages():
        looked += len(names)
        await rotation.turn(names)
        progress(looked, max(total, looked))
    return rotation.done


class _Rotation:
    def __init__(self, redis: Redis, vault: Vault, *, dry_run: bool) -> None:
        self._redis = redis
        self._vault = vault
        self._dry_run = dry_run
        self._compare_and_set = load_script(redis, "bridge.storage", "compare_and_set")
        self.done = Rotated()

    async def size(self) -> int:
        """Return the number of keys."""
        return sum([await node.dbsize() for node in await self._redis.nodes()])

    async def pages(self) -> AsyncIterator[list[str]]:
        """Yield all names in pages; names added meanwhile may be missing."""
        names: list[str] = []
        for node in await self._redis.nodes():
            async for name in node.scan_iter(count=PAGE):
                names.append(name.decode(errors="replace"))
                if len(names) == PAGE:
                    yield names
                    names = []
        yield names

    async def turn(self, names: Iterable[str]) -> None:
        """Re-encrypt the values of these names, again if one changed meanwhile."""
        left = {name: kind for name in names if (kind := kind_of(name))}
        while left:
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in left:
                    pipe.get(name)
                found = await pipe.execute()
            changes = {
                name: (value, new)
                for (name, kind), value in zip(left.items(), found, strict=True)
                if value is not None and (new := self._anew(kind, name, value)) is not None
            }
            left = {name: left[name] for name in await self._store(changes)}
            for kind in left.values():
                self.done.kinds[kind.name].rewritten -= 1

    def _anew(self, kind: Kind, name: str, value: bytes) -> bytes | None:
        """Return the re-encrypted value, None if that is not needed or not possible; counts it."""
        tally = self.done.kinds[kind.name]
        place = kind.place if kind.prefix == kind.place else kind.place + name.removeprefix(kind.prefix)
        sealed = b""
        try:
            sealed = kind.read(value)
            opened = self._vault.decrypt(sealed, aad=place)
        except (Undecryptable, ValueError, KeyError, TypeError):
            tally.unreadable += 1
            self._blame(sealed)
            return None
        if self._vault.is_newest(sealed):
            tally.newest += 1
            return None
        tally.rewritten += 1
        return kind.write(value, self._vault.encrypt(opened, aad=place))

    def _blame(self, sealed: bytes) -> None:
        name = key_name(sealed)
        if name and name not in self._vault.key_names:
            self.done.missing[name] += 1
        else:
            self.done.damaged += 1

    async def _store(self, changes: dict[str, tuple[bytes, bytes]]) -> list[str]:
        """Replace the values; returns the names whose value had changed."""
        if self._dry_run or not changes:
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for name, change in changes.items():
                self._compare_and_set.add_to(pipe, keys=[name], args=change)
            replaced = await pipe.execute()
        return [name for name, was in zip(changes, replaced, strict=True) if not was]
