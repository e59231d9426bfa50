"""`bridge rotate-keys`: encrypt all secrets in Redis with the first ENCRYPTION_KEY."""

import sys
import time

from bridge.cli import terminal
from bridge.core.errors import BridgeError
from bridge.core.security.encryption import Vault
from bridge.storage import key_rotation
from bridge.storage.redis import Redis

PROGRESS_SECONDS = 2


async def rotate_keys(redis: Redis, vault: Vault, *, dry_run: bool) -> None:
    """Re-encrypt, or only count, and print a table; raises `BridgeError` for what cannot be decrypted."""
    done = await key_rotation.rotate(redis, vault, dry_run=dry_run, progress=_Progress())
    head = ("KIND", "TO RE-ENCRYPT" if dry_run else "RE-ENCRYPTED", "ALREADY NEW", "CANNOT BE DECRYPTED")
    rows = [(name, tally.rewritten, tally.newest, tally.unreadable) for name, tally in done.kinds.items()]
    print(terminal.table(head, rows))
    if problem := _problem(done, vault):
        raise BridgeError(problem)


def _problem(done: key_rotation.Rotated, vault: Vault) -> str:
    """Return the problem and its remedy; empty if there is none."""
    sentences = []
    for name, count in sorted(done.missing.items()):
        sentences.append(
            f"{_values(count)} encrypted with the key {name}, but ENCRYPTION_KEY has"
            f" {', '.join(vault.key_names)}. Put that key after"
            " the new one (ENCRYPTION_KEY=NEW,OLD) and run this again."
        )
    if done.damaged:
        sentences.append(f"{_values(done.damaged)} damaged, or encrypted for another place.")
    if sentences:
        sentences.append(
            "They were left as they are. To replace what is lost, connect those repositories again, link"
            " those accounts again, or sign in again."
        )
    return " ".join(sentences)


def _values(count: int) -> str:
    return "1 value is" if count == 1 else f"{count} values are"


class _Progress:
    """Report progress on standard error, every few seconds."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def __call__(self, looked: int, total: int) -> None:
        if time.monotonic() - self._told_at >= PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            print(f"{looked} of {total} keys checked", file=sys.stderr)
