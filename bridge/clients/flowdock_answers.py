"""Read Flowdock's answers: flows, lists and refusals."""

from typing import Any

import aiohttp

from bridge.clients.session import retry_after
from bridge.core.errors import NO_REASON, FlowdockFailing, FlowdockRejected, SourceGone
from bridge.core.model import Flow
from bridge.core.security.redaction import MASK

MAX_REASON = 2000
"""Characters of Flowdock's own words in an error."""

_PASSING = frozenset({408, 423, 425, 429})


def read_flow(found: Any, chat: str) -> Flow:
    """Read a flow; raises `FlowdockFailing`, which names Flowdock as `chat`."""
    try:
        path = f"{found['organization']['parameterized_name']}/{found['parameterized_name']}"
        return Flow(
            id=str(found["id"]),
            path=path,
            name=str(found.get("name") or path),
            web_url=str(found.get("web_url") or ""),
        )
    except (KeyError, TypeError, AttributeError):
        raise FlowdockFailing(f"{chat} sent an answer that bridge does not understand") from None


def read_members(users: list[Any]) -> list[str]:
    """Read the ids of a flow's members. Flowdock also lists users who left, or whose account is disabled."""
    return [
        str(user["id"])
        for user in users
        if isinstance(user, dict)
        and isinstance(user.get("id"), int | str)
        and user.get("in_flow") is not False
        and user.get("disabled") is not True
    ]


def read_list(found: Any, chat: str) -> list[dict[str, Any]]:
    """Read a list of objects; raises as `read_flow` does."""
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise FlowdockFailing(f"{chat} sent an answer that bridge does not understand")
    return found


async def refuse(response: aiohttp.ClientResponse, chat: str, *sent: str) -> None:
    """Raise the error that an answer means, with the secrets that were `sent` masked."""
    if response.status == 410:
        raise SourceGone("the source was removed from the flow")
    if response.status >= 500 or response.status in _PASSING:
        raise FlowdockFailing(f"{chat} answered {response.status}", retry_after=retry_after(response.headers))
    answer = (await response.content.read(2 * MAX_REASON)).decode(errors="replace")
    for secret in filter(None, sent):
        answer = answer.replace(secret, MASK)
    # Cut afterwards: half a secret at the end would not be found.
    reason = answer[:MAX_REASON].strip() or NO_REASON
    raise FlowdockRejected(f"{chat} answered {response.status}: {reason}")
