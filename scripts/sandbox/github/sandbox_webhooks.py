"""Driver routes of webhooks: hold deliveries, and replay recorded ones."""

from aiohttp import web

from .hooks import Delivery, hook_payload
from .payloads import Json
from .refusals import not_found
from .sandbox_people import repo_of, user_of
from .services import Services
from .webhooks import add_hook

IDLE_SECONDS = 10.0


async def make_hook(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"repo", "url", "secret", "content_type", "events", "as"}`: a webhook, which gets a ping."""
    hook = add_hook(
        services,
        repo_of(services, body["repo"]),
        user_of(services, body.get("as", "cy-gh")),
        url=body["url"],
        secret=body.get("secret", ""),
        content_type=body.get("content_type", "json"),
        events=body.get("events", ["*"]),
        app=bool(body.get("app")),
    )
    return hook_payload(services.world, hook)


async def show_webhooks(services: Services, _request: web.Request, _body: Json) -> Json:
    """Return the mode and the deliveries held."""
    held = [
        {
            "guid": shot.guid,
            "event": shot.event,
            "action": shot.action,
            "hook_id": shot.hook.id,
            "payload": shot.payload,
        }
        for shot in services.hookshot.held
    ]
    return {"mode": services.hookshot.mode, "held": held}


async def set_webhooks(services: Services, request: web.Request, body: Json) -> Json:
    """`{"mode": "send|hold", "timeout": seconds}`; going over to `send` sends what is held."""
    if "timeout" in body:
        services.hookshot.timeout = float(body["timeout"])
    if "mode" in body:
        if body["mode"] not in {"send", "hold"}:
            raise ValueError("mode is send or hold")
        services.hookshot.set_mode(body["mode"])
    return await show_webhooks(services, request, body)


async def release(services: Services, _request: web.Request, body: Json) -> list[Json]:
    """`{"order": [...], "drop": true}`: send held ones in that order and wait for the answers.

    A position may come up more than once (the same delivery twice); those left out stay held,
    unless `drop` forgets them.
    """
    delivered = await services.hookshot.release(body.get("order"))
    if body.get("drop"):
        services.hookshot.held.clear()
    return [_outcome(delivery) for delivery in delivered]


async def idle(services: Services, _request: web.Request, _body: Json) -> Json:
    """Wait until nothing is on its way, ten seconds at most; says whether it is so."""
    return {"idle": await services.hookshot.idle(IDLE_SECONDS)}


async def show_deliveries(services: Services, request: web.Request, _body: Json) -> list[Json]:
    """`?hook=&event=&guid=`: the deliveries so far, oldest first, as somebody on the wire records them."""
    return [
        _outcome(delivery)
        | {
            "id": delivery.id,
            "hook_id": delivery.shot.hook.id,
            "url": delivery.url,
            "headers": delivery.request_headers,
            "body": delivery.body.decode(),
        }
        for delivery in _recorded(services, dict(request.query))
    ]


async def replay(services: Services, _request: web.Request, body: Json) -> list[Json]:
    """`{"hook", "event", "guid", "id", "headers": {name: value or null}, "url", "times"}`.

    Sends the newest delivery that fits once more with its signature, but under other headers or to
    another address, and waits for the answers.
    """
    if not (found := _recorded(services, body)):
        raise not_found()
    times, headers, url = int(body.get("times", 1)), body.get("headers", {}), body.get("url", "")
    answers = [await services.hookshot.replay(found[-1], headers, url) for _ in range(times)]
    return [{"status": answer.status_code, "answer": answer.body} for answer in answers]


def _recorded(services: Services, wanted: Json) -> list[Delivery]:
    found = []
    for hook in services.hookshot.every_hook():
        for one in hook.deliveries:
            told = {"hook": hook.id, "event": one.shot.event, "guid": one.shot.guid, "id": one.id}
            if all(str(wanted.get(key, value)) == str(value) for key, value in told.items()):
                found.append(one)
    return sorted(found, key=lambda one: one.id)


def _outcome(delivery: Delivery) -> Json:
    shot = delivery.shot
    return {
        "guid": shot.guid,
        "event": shot.event,
        "action": shot.action,
        "status": delivery.status_code,
        "answer": delivery.response_body,
    }
