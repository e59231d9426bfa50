"""The people whom the stand-in's inbox begins with, and their flows."""

import asyncio
import time
from dataclasses import dataclass

from bridge.inbox import keys
from bridge.inbox.context import Inbox
from bridge.inbox.flows.flows import TeamFlow, dump


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """A made-up person."""

    id: int
    nick: str
    name: str


PEOPLE = (
    MadeUp(id=1001, nick="ann", name="Ann Ames"),
    MadeUp(id=1002, nick="bob", name="Bob Burke"),
    MadeUp(id=1003, nick="cy", name="Cy Chen"),
)
FLOWS = {"acme/main": (1001, 1002, 1003), "acme/ops": (1001, 1002)}
"""The flows, and the people in each."""


def flow_id(path: str) -> str:
    """Return the id of a made-up flow as Flowdock formed it: `organization:flow`."""
    return path.replace("/", ":")


async def move_in(inbox: Inbox) -> None:
    """Let everybody in, and into their flows."""
    avatars = f"{inbox.web_url}/avatars"
    await asyncio.gather(
        *(
            inbox.people.put(
                one.id,
                nick=one.nick,
                name=one.name,
                avatar=f"{avatars}/{one.nick}.svg",
                admitted_by="operator",
            )
            for one in PEOPLE
        )
    )
    async with inbox.redis.pipeline(transaction=False) as pipe:
        for path, members in FLOWS.items():
            organization, slug = path.split("/")
            flow = TeamFlow(
                id=flow_id(path),
                organization=organization,
                slug=slug,
                name=slug.title(),
                owners=members[:1],
                made_at=time.time(),
            )
            pipe.hset(keys.FLOWS, flow.id, dump(flow))
            pipe.hset(keys.FLOW_PATHS, flow.path, flow.id)
            pipe.sadd(keys.members(flow.id), *members)
            for person in members:
                pipe.sadd(keys.flows_of(person), flow.id)
        await pipe.execute()
