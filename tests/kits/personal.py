"""Shared by the tests of personal pages: somebody signed in, and connections with something to show."""

import html
import re
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from bridge.core.model import Connection
from bridge.queue.entries import DeadLetter
from bridge.queue.leases import Leases
from bridge.storage import delivery_log as journal
from bridge.storage import keys
from bridge.storage.connections import new_connection_id
from bridge.storage.delivery_log import Note, Outcome
from bridge.storage.writes import Write
from scripts.sandbox.browse import Browser, Page
from tests.conftest import FLOW, House
from tests.kits.accounts import USERS
from tests.kits.queue import PARTITION, Queue, outbox_message
from tests.kits.worker import REPOSITORY_ID

SHORTLY_AGO = r"(?:just now|\d+ (?:s|min) ago)"
"""A page's words for an event of this test, on a machine that may be busy."""


async def sign_in(house: House, browser: Browser, who: str = "ann", then: str = "/account") -> Page:
    """From bridge's sign-in through Flowdock's, and back to `then`."""
    page = await browser.open(f"{house.bridge}/signin?then={then}")
    page = await browser.press(page, USERS[who])
    assert page.url.startswith(house.bridge), (page.url, page.text)
    return page


def asked_of_flowdock(page: Page) -> dict[str, str]:
    """The scopes that bridge asked Flowdock for, before the sign-in there."""
    [then] = parse_qs(urlsplit(page.url).query)["then"]
    return dict(parse_qsl(urlsplit(then).query))


def text(page: Page) -> str:
    """A page's main part as people read it."""
    main = page.text.partition('<main id="main"')[2]
    inline = re.sub(r"</?(?:a|bdi|code|em|strong|time)\b[^>]*>", "", main.partition(">")[2])
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", inline).split()))


async def connection(house: House, flow: str = FLOW, /, **changes: Any) -> Connection:
    """The repository, tied to a flow as the pages tie it; the flow's source is a real one."""
    await house.connect(flow)
    token = house.flow_token
    (made,) = [one for one in await house.services.connections.all() if one.flow_token == token]
    known = {"flow": flow, "repository_id": REPOSITORY_ID}
    return await house.services.connections.change(made.id, **known | changes)


async def many(house: House, count: int, flow: str = FLOW, *, first: int = 0) -> list[Connection]:
    """Connections of as many repositories, tied to no source."""
    made = [
        Connection(
            id=new_connection_id(),
            repository=f"acme/service-{number:03}",
            repository_id=9000 + number,
            name="",
            flow_token=secrets.token_hex(8),
            created_at=int(time.time()),
            flow=flow,
        )
        for number in range(first, first + count)
    ]
    for one in made:
        await house.services.connections.add(one)
    return made


async def noted(
    house: House,
    to: Connection,
    outcome: Outcome,
    *,
    delivery: str = "",
    event: str = "pull_request",
    action: str = "opened",
    number: int = 1,
    reason: str = "",
    ago: float = 60,
    sender: str = "",
) -> str:
    """A line of the journal, as the worker's own steps write it; the delivery's id."""
    assert to.repository_id is not None
    delivery = delivery or secrets.token_hex(8)
    line = Note(time.time() - ago, delivery, event, action, number, to.id, outcome, reason, sender)
    await write(house, journal.note(to.repository_id, line))
    return delivery


async def buried(house: House, to: Connection, *, reason: str = "") -> DeadLetter:
    """A message to the component's connection that became a dead letter."""
    leases = Leases(house.redis, worker_id="buries", seconds=60)
    lease = await leases.acquire(PARTITION)
    assert lease is not None
    queue = Queue(redis=house.redis, deliveries=house.services.queue, leases=leases, lease=lease)
    delivery = secrets.token_hex(8)
    (sent,) = await queue.commit(await queue.taken(delivery), messages=[outbox_message(delivery, to=to.id)])
    await house.services.queue.dead_letter(lease, sent, reason=reason)
    await house.redis.delete(keys.lease(PARTITION))
    return (await house.services.queue.dead_letters())[-1]


async def write(house: House, writes: list[Write]) -> None:
    """Write as a step of the queue does, without the step."""
    redis: Any = house.redis
    for one in writes:
        if one.command == "NOTE":
            await redis.lpush(one.key, one.value)
        else:
            await redis.hincrby(one.key, one.value, 1)
