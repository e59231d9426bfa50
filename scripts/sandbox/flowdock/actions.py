"""Perform a click on a button: sign the request, and read its answer.

The rules are Flowdock's API documents, "Thread actions" and "How to create bidirectional integrations".
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientSession
from yarl import URL

from bridge.inbox.clicks import LONGEST_ANSWER, PATIENCE, sign
from bridge.inbox.validation import url_problem
from scripts.sandbox.flowdock.config import Config
from scripts.sandbox.flowdock.people import User

_CHALLENGE = re.compile(r"""\s*Flowdock-Token\s+url=("?)([^"\s,]+)\1\s*""", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a click: the application's status (0: unreachable), and a sentence for the user."""

    status: int
    message: str | None = None
    error: str | None = None
    challenge: str | None = None


async def perform(session: ClientSession, config: Config, user: User, action: Mapping[str, Any]) -> Outcome:
    """Send a valid UpdateAction's request in the user's name and say how it ended; raises nothing."""
    target = action["target"]
    agent = {"@type": "Person", "name": user.name, "image": user.avatar(config.web_url)}
    body = json.dumps({**action, "agent": agent}, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "FLOWDOCK-TOKEN": sign(config.client_secret, user.id, body),
    }
    try:
        async with session.request(
            target["httpMethod"],
            # Not requoted: the application shall see the address it wrote.
            URL(target["urlTemplate"], encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=PATIENCE,
        ) as response:
            answer = await response.content.read(LONGEST_ANSWER)
            challenge = response.headers.get("WWW-Authenticate", "")
            return understand(response.status, challenge, answer, application=config.application_name)
    except TimeoutError:
        return Outcome(status=0, error=f"{config.application_name} did not answer within 30 seconds.")
    except (ClientError, OSError, ValueError):
        return Outcome(status=0, error=f"{config.application_name} could not be reached. Try again later.")


def understand(status: int, challenge: str, answer: bytes, *, application: str) -> Outcome:
    """Turn an application's answer into an outcome."""
    if 200 <= status < 300:
        return Outcome(status=status, message=_sentence(answer, "message"))
    match = _CHALLENGE.fullmatch(challenge) if status == 401 else None
    if match and not url_problem(match[2]):
        return Outcome(status=status, error=_sentence(answer, "error"), challenge=match[2])
    if 300 <= status < 400:
        return Outcome(status=status, error=f"{application} answered with a redirect; Flowdock follows none.")
    sentence = _sentence(answer, "error") or f"{application} answered with status {status} and no reason."
    return Outcome(status=status, error=sentence)


def _sentence(answer: bytes, name: str) -> str | None:
    try:
        body = json.loads(answer)
    except ValueError:
        return None
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and value.strip() else None
