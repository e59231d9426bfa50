"""People of the inbox: who they are, who owns it, and what is left of one who goes."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from bridge.inbox import keys
from bridge.inbox.limits import LimitReached
from bridge.inbox.people import people
from bridge.inbox.people.invitations import InvitationGone
from bridge.inbox.people.people import AdmittedBy, InboxPerson, LastOwner, PeopleStore
from bridge.inbox.people.sessions import SessionStore
from tests.kits.controls import lua, unguarded


async def put(store: PeopleStore, person_id: int, nick: str, *, name: str = "") -> InboxPerson:
    return await store.put(person_id, nick=nick, name=name, avatar="", admitted_by="invitation")


async def test_a_person_is_found_by_id_and_by_nick_and_follows_github(redis: Any) -> None:
    store, beyond_floats = PeopleStore(redis), 2**53 + 1
    ann = await put(store, beyond_floats, "Ann", name="Ann/Ä")
    assert (ann.id, ann.nick, ann.name, ann.owner, ann.seen) == (beyond_floats, "Ann", "Ann/Ä", False, 0)
    assert await store.get(beyond_floats) == ann == await store.find("aNN")
    assert await store.get(7) is None
    assert await store.find("bob") is None

    await redis.hset(keys.SEEN, str(beyond_floats), 5)
    renamed = await store.put(
        beyond_floats, nick="ann-new", name="", avatar="https://a.example", admitted_by="organization"
    )
    assert renamed == replace(
        ann,
        nick="ann-new",
        name="ann-new",
        avatar="https://a.example",
        admitted_by="organization",
        seen=5,
    )
    assert await store.find("ann") is None
    bob = await put(store, 7, "bob")
    assert await store.all() == [renamed, bob]


@unguarded(*lua("if holder and holder ~= id then", "if false then"))
async def test_a_login_that_changed_hands_names_its_new_owner(redis: Any) -> None:
    store = PeopleStore(redis)
    await put(store, 1, "ann")
    stranger = await put(store, 2, "Ann")
    assert await store.find("ann") == stranger
    first = await store.get(1)
    assert first is not None
    assert first.nick == "ann.1"
    assert await store.find("ann.1") == first
    assert (await put(store, 1, "ann-new")).nick == "ann-new"
    assert await store.find("ann.1") is None
    assert await store.find("ann") == stranger


async def test_a_person_goes_with_all_that_is_about_them(redis: Any) -> None:
    store, sessions = PeopleStore(redis), SessionStore(redis)
    for number, nick in enumerate(("ann", "bob"), start=1):
        await put(store, number, nick)
        await store.make_owner(number)
    cookie = await sessions.begin(1, browser="Firefox")
    assert await sessions.use(cookie) is not None
    await store.remove(1)
    await store.remove(1)
    assert await store.get(1) is None
    assert await store.find("ann") is None
    assert await sessions.use(cookie) is None
    assert await redis.keys("*:1") == []
    assert {key: await redis.hkeys(key) for key in (keys.PEOPLE, keys.NICKS, keys.SEEN)} == {
        keys.PEOPLE: [b"2"],
        keys.NICKS: [b"bob"],
        keys.SEEN: [],
    }
    with pytest.raises(LastOwner):
        await store.remove(2)
    assert (await store.all())[0].owner


@unguarded(*lua("redis.call('SCARD', owners) == 1", "false"))
async def test_one_of_two_owners_stays_when_both_go_at_once(redis: Any) -> None:
    store = PeopleStore(redis)
    for number, nick in enumerate(("ann", "bob"), start=1):
        await put(store, number, nick)
        await store.make_owner(number)
    outcomes = await asyncio.gather(store.make_member(1), store.remove(2), return_exceptions=True)
    assert sum(isinstance(one, LastOwner) for one in outcomes) == 1
    assert sum(person.owner for person in await store.all()) == 1


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
@pytest.mark.parametrize("by", ["invitation", "organization"])
async def test_a_removal_during_a_sign_in_counts(redis: Any, by: AdmittedBy, guarded: bool) -> None:
    """The sign-in looked for the person, and the owner removed them before it was stored."""
    store = PeopleStore(redis)
    await put(store, 1, "ann")
    await store.remove(1, bar=True)
    if not guarded:
        await redis.delete(keys.BARRED)
    refused = pytest.raises(InvitationGone) if guarded else nullcontext()
    with refused:
        is_known = guarded and by == "invitation"
        await store.put(1, nick="ann", name="", avatar="", admitted_by=by, is_known=is_known)
    assert (await store.get(1) is None) is guarded
    assert await store.is_barred(1) is guarded


async def test_nobody_who_was_removed_becomes_an_owner(redis: Any) -> None:
    """Else the last real owner could leave, and nobody could invite."""
    store = PeopleStore(redis)
    await put(store, 1, "ann")
    await store.remove(1)
    await store.make_owner(1)
    assert not await store.has_owner()
    await put(store, 1, "ann")
    await store.make_owner(1)
    assert await store.has_owner()


async def test_a_name_of_ones_own_choice_stays(redis: Any) -> None:
    store = PeopleStore(redis)
    await put(store, 1, "ann", name="Ann on GitHub")
    await store.rename(1, "Ännie")
    await store.rename(2, "Nobody")
    assert (await put(store, 1, "ann-new", name="Ann on GitHub")).name == "Ännie"
    await store.rename(1, "")
    assert [(one.nick, one.name) for one in await store.all()] == [("ann-new", "Ännie")]
    assert (await put(store, 1, "ann-new", name="Ann \u202eat GitHub")).name == "Ann \\u202eat GitHub"


async def test_the_number_of_people_has_a_limit(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MOST", 1)
    store = PeopleStore(redis)
    await put(store, 1, "ann")
    with pytest.raises(LimitReached):
        await put(store, 2, "bob")
    assert (await put(store, 1, "ann-new")).nick == "ann-new"
    assert await store.find("bob") is None
