"""Shared by the attacks: a stranger's repository, connected like any other, and leaked secrets."""

import copy
import json
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import structs

from bridge.core import actions
from bridge.core.actions import Action, Click, Steps
from bridge.core.model import Connection
from bridge.queue import inboxes
from bridge.queue.entries import InboxEntry, inbox_entry
from bridge.storage import keys
from bridge.storage.connections import new_connection_id
from bridge.storage.webhook_keys import WebhookKey
from tests.conftest import FLOW, House, eventually
from tests.kits import payloads, sign

COMPONENT_ID = 1296269
GUARDED = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])
"""Each attack is played with its guard, and without it: then it works, or the test would prove nothing."""

Json = dict[str, Any]


@dataclass
class Stranger:
    """Mallory, who administers `evil/own` and knows all that its administrators can know, and more."""

    house: House
    repository_id: int
    key: WebhookKey
    payload: Json
    """Of a `pull_request` delivery about acme/component."""
    sent: int = 0

    async def post(
        self,
        payload: Json,
        *,
        event: str = "pull_request",
        key: WebhookKey | None = None,
        delivery_id: str = "",
    ) -> int:
        """A delivery signed with the secret of a webhook of bridge's, at its address; what is answered."""
        signer, self.sent = key or self.key, self.sent + 1
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery_id or f"forged-{self.sent}",
            "X-Hub-Signature-256": sign.webhook(body, signer.secret),
        }
        url = f"{self.house.bridge}/github/webhook/{signer.key}"
        async with self.house.http.post(url, data=body, headers=headers) as response:
            return response.status

    def forged(self, repository_id: int, full_name: str, *, number: int = 1, **pull: Any) -> Json:
        """A payload about a pull request of a repository that is called as the stranger likes."""
        made = copy.deepcopy(self.payload)
        made["action"], made["number"] = "edited", number
        name = {"id": repository_id, "full_name": full_name, "updated_at": "2099-01-01T00:00:00Z"}
        made["repository"] |= name
        made["pull_request"] |= {
            "number": number,
            "url": f"https://api.github.com/repos/{full_name}/pulls/{number}",
            "updated_at": "2099-01-01T00:00:00Z",
            **pull,
        }
        made["pull_request"]["base"]["repo"] |= name
        return made


async def sandbox(house: House, path: str, body: Json) -> Any:
    """The stand-in GitHub's answer to its driver."""
    async with house.http.post(f"{house.github}/_sandbox/{path}", json=body) as response:
        assert response.status in (200, 201), await response.text()
        return await response.json()


async def act(house: House, repo: str, who: str, do: str, **fields: Any) -> Any:
    """Somebody does something in any repository."""
    return await sandbox(house, "act", {"as": who, "repo": repo, "do": do, **fields})


async def repository(house: House, full_name: str, **permissions: str) -> int:
    """A repository that is made on GitHub; its id."""
    owner, _, name = full_name.partition("/")
    body = {"owner": owner, "name": name, "permissions": permissions, "private": False}
    return int((await sandbox(house, "repositories", body))["id"])


async def connected(house: House, full_name: str, repository_id: int, flow: str = FLOW) -> Connection:
    """A connection as the pages make it: by GitHub's word on the repository's id and name."""
    body = {"flow": flow, "name": full_name, "external_url": f"{house.github}/{full_name}"}
    async with house.http.post(f"{house.flowdock}/_sandbox/sources", json=body) as response:
        source = await response.json()
    made = Connection(
        id=new_connection_id(),
        repository=full_name,
        repository_id=repository_id,
        name=full_name,
        flow_token=source["flow_token"],
        created_at=1,
        flow=flow,
        source_id=str(source["id"]),
        installer="1003",
    )
    await house.services.connections.add(made)
    await house.services.pulls.name_by_github(repository_id, full_name)
    return made


async def stranger(house: House) -> Stranger:
    """Mallory's repository, connected to the team's flow; its webhook's secret has leaked."""
    payload = await payloads.pull_request(house)
    await sandbox(house, "users", {"login": "mallory", "name": "Mallory", "kind": "User"})
    await sandbox(house, "users", {"login": "evil", "name": "Evil", "kind": "Organization"})
    repository_id = await repository(house, "evil/own", mallory="admin")
    await connected(house, "evil/own", repository_id)
    return Stranger(house, repository_id, await house.services.webhook_keys.make(repository_id), payload)


async def settled(house: House) -> None:
    """Wait until nothing is in any queue: each delivery is posted, skipped or a dead letter."""

    async def empty() -> bool:
        redis = house.redis
        places = [of(number) for number in range(keys.PARTITIONS) for of in (keys.inbox, keys.outbox)]
        return not any([await redis.xlen(place) for place in places])

    await eventually(empty)


# Guards taken away


def believe_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each delivery were signed with the operator's secret."""

    def believed(entry_id: bytes, fields: Any) -> InboxEntry:
        return structs.replace(inbox_entry(entry_id, fields), signer="operator")

    monkeypatch.setattr(inboxes, "inbox_entry", believed)


def act_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if GitHub were not asked which repository an address leads to."""

    def steps(action: Action, click: Click) -> Steps:
        return action.perform(click)

    monkeypatch.setattr(actions, "steps", steps)
