"""Clicks on a thread's buttons: signed, sent to the application that offered them, and its answer read.

Flowdock's API documents, "Thread actions", and the guide "How to create bidirectional integrations".
"""

import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from aiohttp import ClientError, ClientTimeout
from yarl import URL

from bridge.inbox.context import Inbox
from bridge.inbox.flows.sources import FlowSource
from bridge.inbox.outcomes import Outcome
from bridge.inbox.people.people import InboxPerson

PATIENCE = ClientTimeout(total=30)
TOKEN_SECONDS = 30
LONGEST_ANSWER = 64 * 1024

_CHALLENGE = re.compile(r"""\s*Flowdock-Token\s+url=("?)([^"\s,]+)\1\s*""", re.IGNORECASE)
_UNREACHABLE = "bridge could not be reached. Try again later."


def find_button(state: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """Return the UpdateAction with this key; None if the thread no longer offers it."""
    actions = state.get("actions") or []
    return next((one for one in actions if one["@type"] == "UpdateAction" and key_of(one) == key), None)


def key_of(action: Mapping[str, Any]) -> str:
    """Return a name for exactly this action: other words or another address make another name."""
    return hashlib.sha256(orjson.dumps(action, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def may_be_clicked(inbox: Inbox, source: FlowSource, action: Mapping[str, Any]) -> bool:
    """Tell whether a button leads to bridge itself, and was offered by it.

    Nobody else's is called or signed: a member's own source could send people's clicks anywhere.
    """
    address = action["target"]["urlTemplate"]
    is_own = source.client_id == inbox.client_id and not source.is_removed
    return (
        is_own
        and address.startswith(f"{inbox.application_url}/")
        and action["target"]["httpMethod"] == "POST"
    )


async def perform(inbox: Inbox, person: InboxPerson, action: Mapping[str, Any]) -> Outcome:
    """Send a click in a person's name, and return its outcome, also of a failure."""
    agent = {"@type": "Person", "name": person.name, "image": person.avatar}
    body = orjson.dumps({**action, "agent": agent})
    headers = {
        "Content-Type": "application/json",
        "FLOWDOCK-TOKEN": sign(inbox.client_secret, person.id, body),
        # bridge's log names it beside its own: one id leads from the page to GitHub.
        "X-Request-Id": structlog.contextvars.get_contextvars().get("request_id", ""),
    }
    # Not requoted: bridge compares the address with the one that it wrote.
    url = URL(action["target"]["urlTemplate"], encoded=True)
    try:
        async with inbox.http.post(
            url, data=body, headers=headers, allow_redirects=False, timeout=PATIENCE
        ) as response:
            answer = await response.content.read(LONGEST_ANSWER)
            challenge = response.headers.get("WWW-Authenticate", "")
            return understand(
                response.status, challenge, answer, name=action["name"], home=inbox.application_url
            )
    except TimeoutError:
        return Outcome(is_done=False, sentence="bridge did not answer within 30 seconds.")
    except (ClientError, OSError, ValueError):
        return Outcome(is_done=False, sentence=_UNREACHABLE)


def sign(secret: str, person_id: int, body: bytes) -> str:
    """Make the `FLOWDOCK-TOKEN`: a JWT of who clicked, until when, and the body's SHA-256."""
    import jwt

    claims = {
        "sub": str(person_id),
        "exp": int(time.time()) + TOKEN_SECONDS,
        "signature": hashlib.sha256(body).hexdigest(),
        # A second click in one second is another click.
        "jti": secrets.token_urlsafe(12),
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def understand(status: int, challenge: str, answer: bytes, *, name: str, home: str) -> Outcome:
    """Turn bridge's answer into an outcome; `challenge` is its header, `home` its own address."""
    if 200 <= status < 300:
        return Outcome(is_done=True, sentence=_text(answer, "message") or f"{name}: done.")
    match = _CHALLENGE.fullmatch(challenge) if status == 401 else None
    sentence = _text(answer, "error") or f"bridge answered {status} and gave no reason."
    to = match[2] if match and match[2].startswith(f"{home}/") else ""
    reference = _text(answer, "request_id")
    return Outcome(is_done=False, sentence=sentence, challenge=to, reference=reference)


def _text(answer: bytes, name: str) -> str:
    try:
        body = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return ""
    value = body.get(name) if isinstance(body, dict) else None
    return value.strip()[:500] if isinstance(value, str) else ""
