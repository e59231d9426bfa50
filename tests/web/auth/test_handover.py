"""`/handover/{id}`: who asks for what is shown, an administrator answers once, and every refusal says why."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.connections import handover_requests as handovers
from bridge.connections import rollback
from bridge.connections.handover_requests import Answered, NoSuchHandover, TooManyAsked
from bridge.core.model import FlowdockUser
from bridge.core.options import Options
from bridge.storage import keys
from bridge.web.http import sealed_cookies
from scripts.sandbox.browse import Browser
from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.connecting import COMPONENT_ID, MAIN, Installer, permit
from tests.kits.dump import everything
from tests.kits.handover import asked, chosen, kept, lent, link_of, signed_in
from tests.kits.personal import text


@pytest.fixture
async def ann(house: House) -> AsyncIterator[Browser]:
    await link(house, "ann")
    async with Browser() as opened:
        yield opened


@pytest.fixture
async def admin() -> AsyncIterator[Browser]:
    """Somebody on GitHub, whom bridge has never seen."""
    async with Browser() as opened:
        yield opened


@pytest.fixture
async def url(house: House, ann: Browser) -> str:
    """The link that ann was given."""
    return await asked(house, ann)


async def test_a_member_asks_an_administrator_says_yes_and_the_flow_hears_of_it(
    house: House, ann: Browser, admin: Browser
) -> None:
    house.start_worker()
    result = await chosen(house, ann)
    assert "One step left" in text(result)
    assert await house.services.connections.all() == []
    url = link_of(result)
    shown = text(await admin.open(url))
    for words in ("Connect acme/component?", "(ann) in Flowdock", "Main acme/main"):
        assert words in shown
    page = await signed_in(house, admin, url)
    assert page.url == f"{url}/confirm"
    assert "You are an administrator of it, as @cy-gh." in text(page)
    assert "(ann) in Flowdock" in text(page)
    page = await admin.press(page, "Connect")
    assert page.url == url
    assert "@cy-gh connected it. Its pull requests now appear in the flow." in text(page)
    [one] = await house.services.connections.all()
    assert (one.flow, one.repository_id, one.installer, one.hook_by) == (
        ("acme/main", COMPONENT_ID, "", "cy-gh")
    )  # fmt: skip
    hook_id = one.hook_id
    assert hook_id is not None
    await eventually(lambda: house.services.webhook_keys.pinged(1296269, hook_id, 1))
    told = text(await ann.open(result.url))
    assert "Main is connected" in told
    assert "Connected by @cy-gh." in told
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await eventually(house.messages)


async def test_nothing_of_the_administrators_is_kept(
    house: House, ann: Browser, admin: Browser, url: str
) -> None:
    page = await signed_in(house, admin, url)
    redis: Any = house.redis
    [name] = await redis.keys("bridge:once:handing-over:*")
    step = await house.services.one_time.peek("handing-over", name.decode().rpartition(":")[2])
    assert step is not None
    assert await works(house, step["token"]), "the control"
    await admin.press(page, "Connect")
    assert not await works(house, step["token"])
    names = b" ".join(name.encode() for name in await everything(house.redis))
    assert b"handing-over" not in names
    assert b"intent" not in names
    assert (await kept(house, url)).access_token == ""
    assert await house.services.account_store.logins() == {"1001": "ann-gh"}


async def works(house: House, token: str) -> bool:
    """Whether GitHub still knows a token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with house.http.get(f"{house.github}/api/v3/user", headers=headers) as response:
        return response.status == 200


async def test_before_the_sign_in_nothing_is_stored(house: House, admin: Browser, url: str) -> None:
    before = await everything(house.redis)
    await admin.open(url)
    for _ in range(3):
        assert (await admin.open(f"{url}/sign-in")).url.startswith(house.github)
    assert await everything(house.redis) == before


async def test_a_person_who_is_no_administrator_is_told_so_and_the_link_stays(
    house: House, admin: Browser, url: str
) -> None:
    page = await signed_in(house, admin, url, "bob-gh")
    assert page.status == 403
    assert "@bob-gh is not an administrator of acme/component" in text(page)
    assert "Send the link to an administrator" in text(page)
    assert len(lent(house)) == 1
    assert (await kept(house, url)).state == "open"
    assert (await signed_in(house, admin, url)).url == f"{url}/confirm"


async def test_a_repository_that_github_does_not_show_them_is_one_they_do_not_administer(
    house: House, admin: Browser, url: str
) -> None:
    house.github_journal.faults.append(Fault(path=f".*/repositories/{COMPONENT_ID}", status=404))
    page = await signed_in(house, admin, url, "bob-gh")
    assert (page.status, "@bob-gh is not an administrator" in text(page)) == (403, True)


async def test_an_administrator_declines_and_that_ends_it(house: House, ann: Browser, admin: Browser) -> None:
    result = await chosen(house, ann)
    url = link_of(result)
    page = await admin.press(await signed_in(house, admin, url), "Decline")
    assert "@cy-gh, an administrator, declined. Nothing was changed." in text(page)
    assert "Not connected: @cy-gh, an administrator, declined." in text(await ann.open(result.url))
    assert await house.services.connections.all() == []
    assert len(lent(house)) == 1
    again = await admin.open(f"{url}/sign-in")
    assert (again.status, "This request was already answered" in text(again)) == (409, True)
    # Ann may ask anew, which is another link.
    assert await asked(house, ann) != url


async def test_a_link_serves_once(house: House, admin: Browser, url: str) -> None:
    async with Browser() as second:
        pages = [await signed_in(house, browser, url) for browser in (admin, second)]
        await admin.press(pages[0], "Connect")
        late = await second.press(pages[1], "Connect")
        assert (late.status, "already answered" in text(late)) == (409, True)
    assert len(await house.services.connections.all()) == 1
    assert len(lent(house)) == 2


async def test_the_same_choice_again_keeps_the_link(house: House, ann: Browser, url: str) -> None:
    assert await asked(house, ann) == url
    assert await asked(house, ann, flow="acme:ops") != url


async def test_a_form_whose_answer_failed_is_not_sent_twice(
    house: House, admin: Browser, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await signed_in(house, admin, url)
    monkeypatch.setattr(rollback, "PAUSES", ())
    house.flowdock_journal.faults.append(Fault(path=".*/sources", method="POST", status=500))
    failed = await admin.press(page, "Connect")
    assert failed.status == 502
    again = await admin.press(page, "Connect")
    assert again.status == 403
    assert await house.services.connections.all() == []
    assert (await kept(house, url)).state == "open"
    await admin.press(await signed_in(house, admin, url), "Connect")
    assert len(await house.services.connections.all()) == 1


@pytest.mark.parametrize(
    ("service", "fault"),
    [
        ("github", {"path": ".*/hooks", "method": "POST", "cut": "after"}),
        ("github", {"path": ".*/hooks", "method": "POST", "status": 404}),
        ("github", {"path": ".*/hooks", "method": "GET", "status": 500}),
        ("github", {"path": f".*/repositories/{COMPONENT_ID}", "status": 500}),
        ("flowdock", {"path": ".*/sources", "method": "POST", "cut": "after"}),
        ("flowdock", {"path": "/flows/acme/main", "status": 503}),
    ],
)
async def test_a_failure_leaves_nothing_and_the_link_open(
    house: House,
    admin: Browser,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    fault: dict[str, Any],
) -> None:
    monkeypatch.setattr(rollback, "PAUSES", (0.01, 0.02))
    page = await signed_in(house, admin, url)
    journal = house.flowdock_journal if service == "flowdock" else house.github_journal
    journal.faults.append(Fault(**fault))
    assert (await admin.press(page, "Connect")).status in (422, 502)
    cy = await Installer.of(house)
    assert (await cy.sources(), await cy.hooks()) == ([], [])
    assert await house.services.connections.all() == []
    assert len(lent(house)) >= 1
    assert (await kept(house, url)).state == "open"


async def test_a_failed_rollback_keeps_the_token_until_it_succeeds(
    house: House, admin: Browser, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "PAUSES", (0.01,))
    page = await signed_in(house, admin, url)
    house.github_journal.faults.append(Fault(path=".*/hooks", method="POST", cut="after"))
    house.github_journal.faults.append(Fault(path=".*/hooks.*", skip=2, status=500, times=50))
    await admin.press(page, "Connect")
    assert lent(house) == []
    house.github_journal.faults.clear()
    await house.services.rollback.tidy()
    assert len(lent(house)) == 1
    assert await (await Installer.of(house)).hooks() == []


async def test_a_repository_that_was_renamed_meanwhile_is_shown_by_its_present_name(
    house: House, admin: Browser, url: str
) -> None:
    await house.act("cy-gh", "rename", name="part")
    page = await signed_in(house, admin, url)
    assert "Connect acme/part?" in text(page)
    assert "Formerly acme/component." in text(page)
    await admin.press(page, "Connect")
    [one] = await house.services.connections.all()
    assert (one.repository, one.repository_id) == ("acme/part", COMPONENT_ID)


async def test_one_that_changes_under_the_button_is_not_connected(
    house: House, admin: Browser, url: str
) -> None:
    page = await signed_in(house, admin, url)
    await house.act("cy-gh", "rename", name="part")
    refused = await admin.press(page, "Connect")
    assert (refused.status, "acme/component was renamed to acme/part" in text(refused)) == (409, True)
    assert await house.services.connections.all() == []
    page = await signed_in(house, admin, url)
    await permit(house, "cy-gh", "write")
    refused = await admin.press(page, "Connect")
    assert (refused.status, "@cy-gh is not an administrator" in text(refused)) == (403, True)
    await permit(house, "cy-gh", "admin")
    await house.act("cy-gh", "archive", repo="acme/part")
    refused = await signed_in(house, admin, url)
    assert (refused.status, "acme/part is archived" in text(refused)) == (409, True)
    assert (await kept(house, url)).state == "open"


@pytest.mark.parametrize("how", ["left the flow", "signed out"])
async def test_the_asker_must_still_be_in_the_flow(
    house: House, ann: Browser, admin: Browser, how: str
) -> None:
    result = await chosen(house, ann)
    url = link_of(result)
    page = await signed_in(house, admin, url)
    if how == "left the flow":
        body = {"flow": "acme/main", "user": "ann", "member": False}
        async with house.http.post(f"{house.flowdock}/_sandbox/members", json=body) as response:
            assert response.status == 200
    else:
        house.flowdock_journal.faults.append(Fault(path="/flows/acme/main", status=401))
    refused = await admin.press(page, "Connect")
    assert refused.status == 409
    assert "@ann is no longer signed in, or no longer in Main" in text(refused)
    assert "Ask them to sign in to bridge and send you a new link" in text(refused)
    assert refused.url.startswith(house.bridge), "nobody is led to Flowdock's sign-in"
    assert await house.services.connections.all() == []
    assert (await kept(house, url)).state == "lapsed"
    assert len(lent(house)) == 1
    assert "They can ask again" in text(await admin.open(url))
    if how == "signed out":
        assert "the link has expired" in text(await ann.open(result.url))


async def test_saying_no_at_github_changes_nothing(house: House, admin: Browser, url: str) -> None:
    await admin.open(f"{url}/sign-in")
    state = state_of(await admin.open(f"{url}/sign-in"))
    page = await admin.open(f"{house.bridge}/auth/github/callback?error=access_denied&state={state}")
    assert (page.status, "You declined on GitHub." in text(page)) == (403, True)
    page = await admin.open(f"{house.bridge}/auth/github/callback?code=odd&state={state}")
    assert (page.status, "used or has expired" in text(page)) == (403, True)


def state_of(page: Any) -> str:
    [state] = set(re.findall(r"handover\.[A-Za-z0-9_-]{32}", page.url + page.text))
    return str(state)


@pytest.mark.parametrize("path", ["", "/sign-in", "/confirm"])
async def test_an_unknown_link_tells_nothing(house: House, admin: Browser, url: str, path: str) -> None:
    page = await admin.open(f"{house.bridge}/handover/{'x' * 32}{path}")
    assert page.status == (403 if path == "/confirm" else 404)
    assert "acme" not in page.text


async def test_a_link_ends_after_three_days(
    house: House, admin: Browser, ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await chosen(house, ann)
    url = link_of(result)
    handover = await kept(house, url)
    place = keys.once("handover", keys.hash_of(handover.id))
    assert 3 * 24 * 3600 - 60 < await house.redis.ttl(place) <= 3 * 24 * 3600
    await house.redis.delete(place)
    assert (await admin.open(url)).status == 404
    assert "the link has expired" in text(await ann.open(result.url))


async def test_a_sign_in_that_took_too_long_begins_anew(
    house: House, admin: Browser, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_cookies, "SECONDS", -1)
    page = await admin.press(await admin.open(f"{url}/sign-in"), "cy-gh")
    assert page.status == 403


async def test_a_form_says_yes_or_no(house: House, admin: Browser, url: str) -> None:
    page = await signed_in(house, admin, url)
    [form] = page.forms
    assert (await admin.submit(page, form, form.fields)).status == 400
    assert (await admin.submit(page, form, form.fields | {"answer": "perhaps"})).status == 400
    assert (await admin.press(page, "Decline")).url == url


async def test_one_person_asks_for_twenty_at_a_time(house: House) -> None:
    service = house.services.handovers
    ann = FlowdockUser(id="1001", nick="ann", name="Ann")
    component = await (await Installer.of(house, "ann")).repository()

    async def ask(number: int) -> None:
        await service.ask(ann, "at", MAIN, replace(component, id=number), Options())

    for number in range(20):
        await ask(number)
    with pytest.raises(TooManyAsked, match="20 open links"):
        await ask(20)
    await ask(7)
    bob = replace(ann, id="1002")
    await service.ask(bob, "at", MAIN, component, Options())
    redis: Any = house.redis
    await redis.zadd(
        keys.handovers("1001"), dict.fromkeys(await redis.zrange(keys.handovers("1001"), 0, 3), 1)
    )
    await ask(20)


async def test_too_many_are_told_on_the_page(
    house: House, ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handovers, "MOST_OPEN", 0)
    said = text(await chosen(house, ann))
    assert "Nothing was connected" in said
    assert "Wait until some of your links are used" in said


async def test_an_answer_that_a_crash_cut_short_may_be_given_again(
    house: House, admin: Browser, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = house.services.handovers
    handover_id = url.rpartition("/")[2]
    await service.take(handover_id)
    with pytest.raises(Answered):
        await service.take(handover_id)
    later = time.time() + handovers.HELD_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    assert (await service.take(handover_id)).id == handover_id
    with pytest.raises(NoSuchHandover):
        await service.take("x" * 32)


async def test_its_webhook_is_nobodys_to_look_after_and_no_trouble(
    house: House, ann: Browser, admin: Browser, url: str
) -> None:
    await admin.press(await signed_in(house, admin, url), "Connect")
    [one] = await house.services.connections.all()
    monitor = house.services.connection_monitor(spacing=0)
    await monitor.round(house.services.stop)
    assert (await house.services.connections.all())[0].problem is None
    page = await ann.open(f"{house.bridge}/connections/{one.id}")
    assert "created by @cy-gh. If it breaks, an administrator of the repository can repair it here" in text(
        page
    )
    page = await ann.press(page, "Repair the webhook")
    assert "GitHub did not let you repair the webhook" in text(page)
    await permit(house, "ann-gh", "admin")
    assert "The webhook was repaired." in text(await ann.press(page, "Repair the webhook"))
    page = await ann.press(page, "Manage it as @ann-gh")
    assert "managed as @ann-gh" in text(page)


async def test_the_log_does_not_name_the_link(
    house: House, admin: Browser, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    await admin.press(await signed_in(house, admin, url), "Connect")
    printed = capsys.readouterr().out
    assert "/handover/*/confirm" in printed
    assert url.rpartition("/")[2] not in printed
    assert REPOSITORY in printed
