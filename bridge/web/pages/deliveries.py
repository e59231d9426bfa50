"""`/connections/{id}/deliveries`: the outcomes of a connection's deliveries, for its flow's members."""

import orjson
from aiohttp import web

from bridge.core.digits import whole_number
from bridge.core.errors import Malformed, NotFound
from bridge.core.model import Connection
from bridge.queue.entries import DeadLetter
from bridge.services import Services
from bridge.web import render
from bridge.web.auth import membership, sessions
from bridge.web.context import SERVICES
from bridge.web.http import notices
from bridge.web.pages import chart
from bridge.web.pages.connection import PAGE
from bridge.web.pages.connection_view import recent_deliveries
from bridge.web.pages.delivery_history import OUTCOMES, DeliveryRow, Filter, rows

MOST_SHOWN = 200
DEAD_SHOWN = 20

routes = web.RouteTableDef()


@routes.get(f"{PAGE}/deliveries")
async def deliveries(request: web.Request) -> web.Response:
    """List the recent deliveries, dead letters first; `outcome`, `event` and `number` filter them."""
    services = request.app[SERVICES]
    _, connection = await membership.connection_for(request, request.match_info["id"])
    known, wanted = connection.repository_id, read_filter(request)
    every = await _rows(services, connection)
    chosen = [row for row in every if wanted.takes(row)]
    dead = [(row, end) for row in every for end in row.present if end.letter_id]
    return render.page(
        request,
        "deliveries.html",
        connection=connection,
        repository=await services.pulls.present_name(connection),
        chart=chart.draw(await services.delivery_log.counts(known, connection.id)) if known else None,
        dead=dead[:DEAD_SHOWN],
        dead_count=len(dead),
        rows=chosen[:MOST_SHOWN],
        titles=await _titles(services, connection, chosen[:MOST_SHOWN]),
        more=len(chosen) - MOST_SHOWN,
        total=len(every),
        wanted=wanted,
        events=sorted({row.event for row in every}),
        outcomes=OUTCOMES,
        github_url=services.settings.github_url,
        notice=notices.pop(request),
    )


@routes.get(f"{PAGE}/deliveries/{{delivery:[A-Za-z0-9._:-]{{1,100}}}}")
async def delivery(request: web.Request) -> web.Response:
    """Show all that is known of one delivery."""
    services = request.app[SERVICES]
    _, connection = await membership.connection_for(request, request.match_info["id"])
    row = await _row(services, connection, request.match_info["delivery"])
    return render.page(
        request,
        "delivery.html",
        connection=connection,
        repository=(name := await services.pulls.present_name(connection)),
        row=row,
        titles=await _titles(services, connection, [row]),
        messages=await _messages(services, connection, row),
        recent=recent_deliveries(services, connection, name),
        github_app=await services.hooks.app(),
        github_url=services.settings.github_url,
    )


@routes.post(f"{PAGE}/dead-letters")
async def change_dead_letters(request: web.Request) -> web.Response:
    """Redrive dead letters (`do=retry`, one `letter` or `all` of them), or drop a message (`do=drop`)."""
    services = request.app[SERVICES]
    _, form = await sessions.posted(request)
    _, connection = await membership.connection_for(request, request.match_info["id"])
    do, letter_id = str(form.get("do", "")), str(form.get("letter", ""))
    if do == "retry" and letter_id == "all":
        for letter in await services.queue_view.dead_letters(_repository(connection), connection.id):
            if letter.dropped:
                continue
            await _retry(services, connection, letter.id)
    elif do == "retry":
        await _retry(services, connection, letter_id)
    elif do == "drop":
        await _drop(services, await _letter(services, connection, letter_id))
    else:
        raise Malformed("choose Retry or Drop")
    return notices.redirect(request, f"/connections/{connection.id}/deliveries", do)


def read_filter(request: web.Request) -> Filter:
    """Read the filter in the query; invalid values are ignored."""
    query = request.query
    outcome = query.get("outcome", "")
    return Filter(
        outcome=outcome if outcome in OUTCOMES else "",
        event=query.get("event", "")[:100],
        number=whole_number(query.get("number", "").strip().removeprefix("#"), longest=9) or 0,
    )


def _repository(connection: Connection) -> int:
    """Return the repository's id; raises `NotFound` before the first delivery."""
    if connection.repository_id is None:
        raise NotFound("this connection has had no delivery yet")
    return connection.repository_id


async def _rows(services: Services, connection: Connection) -> list[DeliveryRow]:
    if connection.repository_id is None:
        return []
    view, of = services.queue_view, (connection.repository_id, connection.id)
    # In the order in which an entry moves: one that moves meanwhile is rather seen twice than never.
    dead, queued = await view.dead_letters(*of), await view.queued(*of)
    return rows(await services.delivery_log.notes(*of), queued, dead)


async def _titles(services: Services, connection: Connection, shown: list[DeliveryRow]) -> dict[int, str]:
    numbers = {end.number for row in shown for end in row.ends if end.number}
    return await services.pulls.titles(connection.repository_id or 0, numbers)


async def _row(services: Services, connection: Connection, delivery_id: str) -> DeliveryRow:
    for row in await _rows(services, connection):
        if row.delivery_id == delivery_id:
            return row
    raise NotFound("bridge no longer has this delivery: it keeps the newest hundred of a repository")


# Dead letters


async def _letter(services: Services, connection: Connection, letter_id: str) -> DeadLetter:
    return await services.queue_view.dead_letter(_repository(connection), connection.id, letter_id)


async def _retry(services: Services, connection: Connection, letter_id: str) -> None:
    await services.queue.redrive(await _letter(services, connection, letter_id))


async def _drop(services: Services, letter: DeadLetter) -> None:
    if letter.kind != "outbox":
        # It belongs to every connection of the repository, and one flow must not drop it for another.
        raise Malformed("a whole delivery cannot be dropped here, only a message to this flow")
    await services.queue.drop(letter)


async def _messages(services: Services, connection: Connection, row: DeliveryRow) -> dict[str, str]:
    """Return the messages among a delivery's dead letters, as JSON to post, by letter."""
    ids = [end.letter_id for end in row.ends if end.letter_id and end.kind == "outbox"]
    letters = [await _letter(services, connection, letter_id) for letter_id in ids]
    messages = {letter.id: orjson.loads(letter.fields["message"]) for letter in letters}
    return {one: orjson.dumps(it, option=orjson.OPT_INDENT_2).decode() for one, it in messages.items()}
