"""Shared by the tests of a pull request's whole life: events on GitHub, and the resulting thread."""

import html
import re
from dataclasses import dataclass, field
from typing import Any

from tests.conftest import FLOW, House
from tests.kits.accounts import USERS, link
from tests.kits.worker import idle

THREAD = "github:component:pr:1"
Json = dict[str, Any]


@dataclass
class Life:
    """A house whose messages are read in steps; the clock of its GitHub never gives one second twice."""

    house: House
    seen: dict[str, int] = field(default_factory=dict)

    async def act(self, who: str, do: str, *, number: int = 1, flow: str = FLOW, **fields: Any) -> list[Json]:
        """Something happens on GitHub; the messages of the flow that came of it."""
        await self.house.act(who, do, number=number, **fields)
        return await self.news(flow)

    async def news(self, flow: str = FLOW) -> list[Json]:
        """The flow's messages since the last look, once nothing is on its way."""
        async with self.house.http.get(f"{self.house.github}/_sandbox/webhooks/idle") as response:
            assert (await response.json())["idle"]
        await idle(self.house)
        messages = await self.house.messages(flow)
        begin, self.seen[flow] = self.seen.get(flow, 0), len(messages)
        return messages[begin:]

    async def thread(self, external_id: str = THREAD, flow: str = FLOW) -> "Thread":
        """A thread as it stands."""
        threads = [one for one in await self.house.threads(flow) if one["external_thread_id"] == external_id]
        assert len(threads) == 1
        return Thread(threads[0])


@dataclass(frozen=True)
class Thread:
    """A thread as Flowdock shows it."""

    shown: Json

    @property
    def status(self) -> str:
        """The coloured word."""
        status: str = self.shown["status"]["value"]
        return status

    @property
    def fields(self) -> dict[str, str]:
        """The rows as people read them, by label."""
        return {row["label"]: text(row["value"]) for row in self.shown["fields"]}

    @property
    def raw(self) -> dict[str, str]:
        """The rows as sent, by label."""
        return {row["label"]: row["value"] for row in self.shown["fields"]}

    @property
    def buttons(self) -> list[str]:
        """The names of the buttons that act."""
        return [one["name"] for one in self.shown["actions"] if one["@type"] == "UpdateAction"]

    @property
    def addresses(self) -> list[str]:
        """The addresses of the buttons."""
        actions = [one for one in self.shown["actions"] if one["@type"] == "UpdateAction"]
        return [one["target"]["urlTemplate"] for one in actions]


def text(markup: str) -> str:
    """HTML as people read it."""
    return html.unescape(re.sub(r"<[^>]+>", "", markup))


def titles(messages: list[Json]) -> list[str]:
    """The messages' titles, each after its author."""
    return [f"{one['author']['name']}: {text(one['title'])}" for one in messages]


def tags(messages: list[Json]) -> list[str]:
    """The tags of all messages."""
    return [tag for one in messages for tag in one.get("tags", [])]


async def drive(house: House, path: str, body: Json) -> Any:
    """The stand-in GitHub's driver."""
    async with house.http.post(f"{house.github}/_sandbox/{path}", json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def begin(house: House) -> Life:
    """A repository whose flow is told, at work; ann and bob are linked, cy is not."""
    await drive(house, "clock", {"tick": True})
    for nick in ("ann", "bob"):
        await link(house, nick)
    await know_flow(house)
    return Life(house)


async def know_flow(house: House, flow: str = FLOW) -> None:
    """Flowdock showed somebody the flow that the repository is connected to."""
    token = house.flow_token
    for one in await house.services.connections.all():
        if one.flow_token == token:
            await house.services.connections.change(one.id, flow=flow)
    await house.services.members.shown(flow, [*USERS.values()])
