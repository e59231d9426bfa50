"""Odd addresses and fields: nothing breaks the inbox's pages and API."""

import re
from functools import partial
from urllib.parse import quote

from tests.inbox.conftest import Team
from tests.inbox.pages.test_flows import FORM, posted

ODD = ["0", "-1", "9" * 400, "\x00", "\U0001f600"]
NAMES = {"org": "team", "flow": "main", "role": "owner"}
QUERIES = (
    "before",
    "since",
    "thread",
    "limit",
    "since_id",
    "until_id",
    "event",
    "tags",
    "id",
    "filter",
    "tag_mode",
    "until",
    "application",
    "outcome",
)


def _filled(part: re.Match[str], *, odd: str) -> str:
    return NAMES.get(part[1]) or quote(odd, safe="")


async def test_no_address_breaks_for_a_member_of_the_flow(team: Team) -> None:
    await posted(team)
    token = await team.token("ann")
    asked = 0
    for route in team.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if not path.startswith("/inbox/") or "stream" in path or path.endswith("/events"):
            continue
        names = re.findall(r"\{(\w+)", path)
        for odd in ODD if names else ODD[:1]:
            filled = re.sub(r"\{(\w+)(?::[^{}]*)?\}", partial(_filled, odd=odd), path)
            query = "&".join(f"{name}={quote(odd)}" for name in QUERIES)
            form = FORM | {"name": odd, "content": odd, "key": odd} if route.method == "POST" else None
            if path.startswith("/inbox/api/"):
                headers = {"Authorization": f"Bearer {token}"}
                async with team.http.request(
                    "GET" if route.method == "*" else route.method,
                    f"{team.url}{filled}?{query}",
                    json={"content": odd, "name": odd},
                    headers=headers,
                ) as response:
                    status = response.status
            else:
                status = (await team.visit("ann", route.method, f"{filled}?{query}", form)).status
            asked += 1
            assert status < 500, (route.method, filled, odd)
    assert asked > 80
