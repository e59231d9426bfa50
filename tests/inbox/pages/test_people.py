"""The pages about people: who may change whom, and what a person does with themselves."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.inbox import keys
from bridge.inbox.admission import Admission
from bridge.inbox.context import INBOX
from bridge.inbox.people.grants import Grant
from scripts.sandbox.browse import Browser, Page
from tests.conftest import House
from tests.kits.inbox import IDS, is_in, open_inbox, put, sign_in
from tests.kits.personal import text

Inbox = tuple[House, Admission]

NICKS = ("ann", "bob", "cy")


@pytest.fixture
async def inbox(redis_url: str) -> AsyncIterator[Inbox]:
    """Ann owns it; Bob and Cy are in it."""
    async with open_inbox(redis_url) as opened:
        for nick in NICKS:
            await put(opened[1].people, nick, owner=nick == "ann")
        yield opened


@pytest.fixture
async def ann() -> AsyncIterator[Browser]:
    async with Browser() as opened:
        yield opened


@pytest.fixture
async def bob() -> AsyncIterator[Browser]:
    async with Browser() as opened:
        yield opened


def csrf(page: Page) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found[1]


OWNERS_FORMS = (
    "/inbox/people/invitations",
    f"/inbox/people/invitations/{'0' * 64}/withdraw",
    f"/inbox/people/{IDS['cy']}/owner",
    f"/inbox/people/{IDS['ann']}/member",
    f"/inbox/people/{IDS['ann']}/remove",
    f"/inbox/people/{IDS['cy']}/remove",
)


async def test_a_member_sees_everybody_and_changes_nobody(inbox: Inbox, bob: Browser) -> None:
    house, admission = inbox
    page = await sign_in(house, bob, "bob")
    before = await admission.people.all()
    assert {f"@{nick}-gh" for nick in NICKS} <= set(text(page).split())
    assert [form.action for form in page.forms] == ["/inbox/sign-out"]
    assert (await bob.open(f"{house.bridge}/inbox/people/{IDS['cy']}/remove")).status == 403
    for path in OWNERS_FORMS:
        async with bob.session.post(house.bridge + path, data={"csrf": csrf(page)}) as response:
            assert response.status == 403, path
    assert await admission.people.all() == before
    assert await admission.invitations.all() == []


async def test_an_owners_form_needs_the_value_of_their_session(
    inbox: Inbox, ann: Browser, bob: Browser
) -> None:
    house, admission = inbox
    await sign_in(house, ann, "ann")
    foreign = csrf(await sign_in(house, bob, "bob"))
    before = await admission.people.all()
    for path in OWNERS_FORMS:
        for given in ("", foreign):
            async with ann.session.post(house.bridge + path, data={"csrf": given}) as response:
                assert response.status == 403, path
    assert await admission.people.all() == before


async def test_owners_make_owners_and_the_last_one_stays(inbox: Inbox, ann: Browser, bob: Browser) -> None:
    house, admission = inbox
    page = await sign_in(house, ann, "ann")
    assert "The only owner" in text(page)
    assert "Remove @ann-gh" not in text(page)
    page = await ann.press(page, "Make @bob-gh an owner")
    assert page.url == f"{house.bridge}/inbox/people"
    page = await ann.press(page, "Make @ann-gh a member")
    assert "Make @" not in text(page)
    page = await sign_in(house, bob, "bob")
    for path in (f"/inbox/people/{IDS['bob']}/member", f"/inbox/people/{IDS['bob']}/remove"):
        async with bob.session.post(house.bridge + path, data={"csrf": csrf(page)}) as response:
            assert response.status == 409, path
            assert "Make someone else an owner first." in await response.text()
    async with bob.session.post(
        f"{house.bridge}/inbox/settings/delete", data={"csrf": csrf(page)}
    ) as response:
        assert response.status == 409
    assert [one.nick for one in await admission.people.all() if one.owner] == ["bob-gh"]


async def test_an_impossible_login_is_refused_beside_the_form(inbox: Inbox, ann: Browser) -> None:
    house, admission = inbox
    page = await sign_in(house, ann, "ann")
    page = await ann.press(page, "Create an invitation link", login="no login")
    assert (page.status, "That is not a GitHub user name" in text(page)) == (422, True)
    assert await admission.invitations.all() == []


async def test_settings_name_a_person_and_end_their_sessions(
    inbox: Inbox, ann: Browser, bob: Browser
) -> None:
    house, _ = inbox
    settings = f"{house.bridge}/inbox/settings"
    await sign_in(house, bob, "bob")
    page = await ann.press(await ann.open(f"{house.bridge}/inbox/sign-in/github"), "bob-gh")
    page = await ann.press(await ann.open(settings), "Save", name="  Robert\tB. ")
    assert "Robert B. @bob-gh you" in text(await bob.open(f"{house.bridge}/inbox/people"))
    too_long = await ann.press(page, "Save", name="x" * 81)
    assert too_long.status == 400
    assert text(page).count("Sign out there") == 1
    await ann.press(page, "Sign out there")
    assert (await is_in(house, ann), await is_in(house, bob)) == (True, False)
    await sign_in(house, bob, "bob")
    page = await ann.press(await ann.open(settings), "Sign out everywhere")
    assert page.url == f"{house.bridge}/inbox/sign-in"
    assert (await is_in(house, ann), await is_in(house, bob)) == (False, False)


async def granted(inbox: Inbox, nick: str) -> str:
    """An application's access token of somebody, as OAuth gives it."""
    stores = inbox[0].web_half.app[INBOX]  # type: ignore[union-attr]
    grant = Grant(person_id=IDS[nick], client_id="x", scopes=("profile",), redirect_uri="y")
    answer = await stores.grants.redeem(await stores.grants.new_code(grant), client_id="x", redirect_uri="y")
    assert answer
    return str(answer["access_token"])


async def may_call(house: House, token: str) -> bool:
    async with house.http.get(
        f"{house.bridge}/inbox/api/user", headers={"Authorization": f"Bearer {token}"}
    ) as response:
        assert response.status in (200, 401)
        return response.status == 200


async def test_grants_to_applications_end_with_all_sessions_and_with_the_person(
    inbox: Inbox, bob: Browser
) -> None:
    house, admission = inbox
    first = await granted(inbox, "bob")
    await sign_in(house, bob, "bob")
    assert await may_call(house, first)
    await bob.press(await bob.open(f"{house.bridge}/inbox/settings"), "Sign out everywhere")
    assert not await may_call(house, first)
    second = await granted(inbox, "bob")
    assert await may_call(house, second)
    await admission.remove(IDS["bob"])
    assert not await may_call(house, second)
    await put(admission.people, "bob")
    assert not await may_call(house, second), "not even for the same person, invited again"


async def test_a_removed_person_leaves_all_flows(inbox: Inbox) -> None:
    _, admission = inbox
    flow = await admission.flows.make(organization="acme", slug="main", name="Main", owner=IDS["bob"])
    assert flow
    await admission.flows.join(flow.id, IDS["cy"])
    await admission.remove(IDS["bob"], bar=True)
    assert await admission.flows.members(flow.id) == {IDS["cy"]}
    await put(admission.people, "bob")
    assert await admission.flows.of(IDS["bob"]) == []


async def test_a_removal_that_a_crash_cut_short_is_finished(inbox: Inbox) -> None:
    house, admission = inbox
    flow = await admission.flows.make(organization="acme", slug="main", name="Main", owner=IDS["cy"])
    assert flow
    await put(admission.people, "bob")
    await admission.flows.join(flow.id, IDS["bob"])
    redis: Any = house.redis
    await redis.zadd(keys.read_marks(IDS["bob"]), {"thread": 7})
    await admission.people.remove(IDS["bob"])
    assert await admission.flows.members(flow.id) == {IDS["bob"], IDS["cy"]}
    await admission.finish_removals()
    assert (await admission.flows.members(flow.id), await admission.people.leaving()) == ({IDS["cy"]}, [])
    assert await admission.marks.of(IDS["bob"], ["thread"]) == {"thread": 0}
    await admission.finish_removals()


async def test_signing_out_ends_this_browsers_session_alone(inbox: Inbox, ann: Browser, bob: Browser) -> None:
    house, _ = inbox
    await sign_in(house, bob, "bob")
    page = await sign_in(house, ann, "bob")
    page = await ann.press(page, "Sign out")
    assert page.url == f"{house.bridge}/inbox/sign-in"
    assert (await is_in(house, ann), await is_in(house, bob)) == (False, True)


async def is_in_bridge(house: House, browser: Browser) -> bool:
    """Tell whether this browser sees bridge's own page about its account."""
    page = await browser.open(f"{house.bridge}/account")
    return page.url == f"{house.bridge}/account" and page.status == 200


async def test_bridges_own_session_ends_with_the_inboxs_and_the_other_way_round(
    inbox: Inbox, bob: Browser
) -> None:
    house, admission = inbox
    await sign_in(house, bob, "bob")
    page = await bob.open(f"{house.bridge}/signin?then=/account")
    assert "bob-gh" in text(page)
    assert await is_in_bridge(house, bob)
    await bob.press(await bob.open(f"{house.bridge}/inbox/settings"), "Sign out everywhere")
    page = await bob.open(f"{house.bridge}/account")
    assert page.url.startswith(f"{house.bridge}/inbox/sign-in?")

    await sign_in(house, bob, "bob")
    await bob.press(await bob.open(f"{house.bridge}/signin?then=/account"), "Sign out")
    assert not await is_in(house, bob)

    await sign_in(house, bob, "bob")
    await bob.open(f"{house.bridge}/signin?then=/account")
    await sign_in(house, bob, "cy")
    assert "bob-gh" not in (await bob.open(f"{house.bridge}/account")).text, "Cy sits there now"
    assert await is_in_bridge(house, bob)
    await admission.remove(IDS["cy"], bar=True)
    assert not await is_in_bridge(house, bob)


async def test_a_person_deletes_themselves_after_being_asked_back(inbox: Inbox, bob: Browser) -> None:
    house, admission = inbox
    await sign_in(house, bob, "bob")
    page = await bob.open(f"{house.bridge}/inbox/settings/delete")
    assert "To come back, you need an invitation." in text(page)
    await bob.press(page, "Leave the inbox")
    assert await admission.people.get(IDS["bob"]) is None
    assert await house.redis.keys(f"*{IDS['bob']}*") == []
    assert (await sign_in(house, bob, "bob")).status == 403
