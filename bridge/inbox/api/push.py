"""The old push API, which many old clients speak (Flowdock's API documents, "Push API", deprecated)."""

from typing import Any

from aiohttp import web

from bridge.inbox.api.messages import take
from bridge.inbox.api.requests import ApiRefusal, invalid, posting_source, read_object
from bridge.inbox.context import API, INBOX
from bridge.inbox.threads.validation import BLANK

routes = web.RouteTableDef()


@routes.post(f"{API}/v1/messages/team_inbox/{{token}}")
async def team_inbox(request: web.Request) -> web.Response:
    """Take a mail to the team's inbox, with a source's flow token: each subject has a thread."""
    body, inbox = await read_object(request), request.app[INBOX]
    source = await posting_source(request, {"flow_token": request.match_info["token"]})
    missing = [
        name for name in ("source", "from_address", "subject", "content") if not _text(body, name).strip()
    ]
    if missing:
        raise invalid({name: [BLANK] for name in missing})
    subject = _text(body, "subject")
    message: dict[str, Any] = {
        "event": "activity",
        "title": "wrote",
        "body": _text(body, "content"),
        "author": {"name": _text(body, "from_name") or _text(body, "from_address")},
        "external_thread_id": f"mail:{subject}",
        "thread": {"title": subject.replace("<", "&lt;")},
        "tags": body.get("tags") or [],
    }
    if _text(body, "link"):
        message["thread"]["external_url"] = _text(body, "link")
    await take(inbox, source, message)
    return web.json_response({})


@routes.post(f"{API}/v1/messages/chat/{{token}}")
async def chat(request: web.Request) -> web.Response:
    """Refuse chat: the inbox has threads alone."""
    await posting_source(request, {"flow_token": request.match_info["token"]})
    raise ApiRefusal(404, "The inbox has no chat: post to /v1/messages/team_inbox/TOKEN.")


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
