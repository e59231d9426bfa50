"""Outcomes of forms, shown once on the page that follows: a reload does not say them again."""

import secrets

import orjson

from bridge.inbox import keys
from bridge.inbox.clicks import Outcome
from bridge.storage.redis import Redis

SECONDS = 300


async def keep(redis: Redis, person_id: int, outcome: Outcome) -> str:
    """Keep an outcome for a person's next page; returns its name."""
    name = secrets.token_urlsafe(12)
    await redis.set(keys.outcome(person_id, name), bytes(outcome), ex=SECONDS)
    return name


async def take(redis: Redis, person_id: int, name: str) -> Outcome | None:
    """Return a person's outcome, once."""
    data = await redis.getdel(keys.outcome(person_id, name)) if name and len(name) < 40 else None
    return Outcome(**orjson.loads(data)) if data else None
