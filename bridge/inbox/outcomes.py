"""Outcomes of forms, shown once on the page that follows: a reload does not repeat them."""

import secrets
from dataclasses import dataclass

import msgspec
import orjson

from bridge.inbox import keys
from bridge.storage.redis import Redis

SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a form: a sentence for the person, and the `challenge` to follow first, if any.

    A refused click has bridge's `reference`, by which its log tells more. `undo` is the move of a thread that
    takes it back, with the thread's id.
    """

    is_done: bool
    sentence: str
    challenge: str = ""
    reference: str = ""
    undo: tuple[str, str] | None = None


async def keep(redis: Redis, person_id: int, outcome: Outcome) -> str:
    """Keep an outcome for a person's next page; returns its name."""
    name = secrets.token_urlsafe(12)
    await redis.set(keys.outcome(person_id, name), orjson.dumps(outcome), ex=SECONDS)
    return name


async def take(redis: Redis, person_id: int, name: str) -> Outcome | None:
    """Return a person's outcome, once."""
    data = await redis.getdel(keys.outcome(person_id, name)) if name and len(name) < 40 else None
    return msgspec.json.decode(data, type=Outcome) if data else None
