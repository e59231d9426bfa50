"""Whatever is signed for one repository id, nothing that belongs to another one changes.

Snapshots, threads, names, links, webhooks, journals, budgets: all that Redis keeps is compared.
"""

import asyncio
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.messages import translate
from bridge.storage import keys
from bridge.web.endpoints import webhook
from tests.conftest import REPOSITORY, House, emptied, open_house
from tests.kits.accounts import link
from tests.kits.attacks import COMPONENT_ID, Json, Stranger, believe_every_name, connected, settled, stranger
from tests.kits.dump import everything

OWN = "evil/own"
NAMES = st.sampled_from([OWN, REPOSITORY, "ACME/Component", "acme/waiting", "../users", "acme/..", ""])
IDS = st.sampled_from(["own", "theirs", 0, -1, 2**63, "1296269", None])
APP_EVENTS = ("github_app_authorization", "installation", "installation_repositories", "membership", "ping")
EVENTS = st.sampled_from(sorted(translate.EVENTS | set(APP_EVENTS)))
ACTIONS = st.sampled_from(["edited", "closed", "renamed", "transferred", "archived", "deleted", "revoked"])

WORDS = st.fixed_dictionaries(
    {
        "event": EVENTS,
        "action": ACTIONS,
        "repository_id": IDS,
        "full_name": NAMES,
        "nested_id": IDS,
        "nested_name": NAMES,
        "former": NAMES,
        "number": st.sampled_from([1, 2, 2**31]),
    }
)
"""The parts of a delivery that a forger may choose."""

PLAIN: Json = {
    "event": "pull_request",
    "action": "edited",
    "repository_id": "own",
    "full_name": OWN,
    "nested_id": "own",
    "nested_name": OWN,
    "former": OWN,
    "number": 1,
}


def delivery_of(mallory: Stranger, word: Json) -> Json:
    """A payload with all that any event may bring along."""
    ids = {"own": mallory.repository_id, "theirs": COMPONENT_ID}
    outer: Any = ids.get(word["repository_id"], word["repository_id"])
    inner = ids.get(word["nested_id"])
    made = mallory.forged(outer, word["full_name"], number=word["number"], title="Forged")
    made["action"] = word["action"]
    made["pull_request"]["base"]["repo"] |= {"id": inner, "full_name": word["nested_name"]}
    head = mallory.payload["pull_request"]["head"]["sha"]
    owner, _, name = word["former"].partition("/")
    lite = {"id": COMPONENT_ID, "full_name": REPOSITORY}
    check = {
        "id": 5,
        "name": "test",
        "head_sha": head,
        "status": "completed",
        "conclusion": "failure",
        "pull_requests": [{"number": 1}],
        "app": {"name": "CI", "slug": "ci"},
    }
    return made | {
        "changes": {"repository": {"name": {"from": name}}, "owner": {"from": {"user": {"login": owner}}}},
        "check_run": check,
        "check_suite": check,
        "workflow_run": check | {"workflow_id": 7, "event": "push"},
        "sha": head,
        "state": "failure",
        "context": "ci",
        "ref": "refs/heads/main",
        "after": head,
        "repositories": [lite],
        "repositories_removed": [lite],
        "sender": {"id": 1, "login": "cy-gh"},
        "hook_id": 1,
        "hook": {"id": 1},
    }


async def of_others(
    house: House, mallory: Stranger, own_connection: str, their_connection: str
) -> dict[str, bytes]:
    """All that Redis keeps but what is the stranger's own, and who works on what."""
    own = (
        f"bridge:{{{keys.partition_of(mallory.repository_id)}}}:",
        f"bridge:ping:{mallory.repository_id}:",
        f"bridge:repository-ping:{mallory.repository_id}",
        keys.connection(own_connection),
        keys.WORKERS,
    )
    found = await everything(house.redis)
    kept = {
        name: content
        for name, content in found.items()
        if not name.startswith(own) and not name.endswith((":lease", ":fence"))
    }
    queues = (keys.CHECKUPS, keys.CHECKUP_HINTS, keys.WATCH, keys.READINGS, keys.READING_NOTES)
    for name in queues:
        # The stranger's own connection and pull requests may be looked at; no others.
        lines = kept.pop(name, b"").split(b"\n")
        theirs = their_connection.encode(), str(COMPONENT_ID).encode()
        kept[name] = b"\n".join(line for line in lines if any(one in line for one in theirs))
    return kept


async def play(redis_url: str, words: list[Json]) -> list[str]:
    """The names in Redis under which something of somebody else's changed."""
    async with open_house(await emptied(redis_url)) as house:
        mallory = await stranger(house)
        [own] = await house.services.connections.all()
        await link(house, "cy")
        theirs = await connected(house, REPOSITORY, COMPONENT_ID)
        await house.services.webhook_keys.make(COMPONENT_ID)
        await house.services.connections.connect("acme/waiting", flow_token="theirs", name="waiting")
        house.start_worker()
        assert (await house.deliver(mallory.forged(COMPONENT_ID, REPOSITORY))).status == 202
        await settled(house)
        before = await of_others(house, mallory, own.id, theirs.id)
        threads = [one for one in await house.threads() if one["external_thread_id"] != "github:own:pr:1"]
        for word in words:
            await mallory.post(delivery_of(mallory, word), event=word["event"])
        await settled(house)
        after = await of_others(house, mallory, own.id, theirs.id)
        now = [one for one in await house.threads() if not one["external_thread_id"].startswith("github:own")]
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        return sorted(changed) + (["a thread"] if now != threads else [])


@settings(max_examples=12, deadline=None)
@example(words=[PLAIN | {"full_name": REPOSITORY}])
@example(words=[PLAIN | {"repository_id": "theirs", "full_name": REPOSITORY}])
@example(words=[PLAIN | {"event": "repository", "action": "renamed", "former": REPOSITORY}])
@example(words=[PLAIN | {"full_name": "acme/waiting"}])
@given(words=st.lists(WORDS, min_size=3, max_size=12))
def test_a_signer_of_one_repository_changes_nothing_of_another(redis_server: str, words: list[Json]) -> None:
    assert asyncio.run(play(redis_server, words)) == []


@pytest.mark.parametrize(
    ("guard", "word"),
    [
        ("the id", PLAIN | {"repository_id": "theirs", "full_name": REPOSITORY}),
        ("the name", PLAIN | {"full_name": "acme/waiting"}),
    ],
    ids=["the id", "the name"],
)
async def test_it_would_be_seen_if_it_did(
    redis_server: str, monkeypatch: pytest.MonkeyPatch, guard: str, word: Json
) -> None:
    if guard == "the id":
        monkeypatch.setattr(webhook, "hold_to", lambda *_: None)
    else:
        believe_every_name(monkeypatch)
    assert await play(redis_server, [word]) != []
