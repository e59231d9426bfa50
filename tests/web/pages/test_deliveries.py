"""The deliveries page: who sees it, what it says of each delivery, and mending dead letters."""

import json
import re

import pytest

from bridge.core.model import Connection
from bridge.storage import keys
from bridge.worker import failures
from scripts.sandbox.browse import Browser, Form, Page
from scripts.sandbox.faults import Fault
from tests.conftest import House, eventually
from tests.kits.github_app import made_at_github, open_app_house
from tests.kits.payloads import badly_packed
from tests.kits.personal import connection, noted, sign_in, text
from tests.kits.worker import FOREVER, PARTITION, Pulls, dead, idle, posted, pulls, stop_worker, tried

SECRET = "ghp_0123456789abcdefghijABCDEF"


@pytest.fixture
async def made(house: House, monkeypatch: pytest.MonkeyPatch) -> Pulls:
    """Made-up pull requests; their repository's webhook is there, and sends nothing by itself."""
    monkeypatch.setattr(failures, "backoff", lambda _count: 0.01)
    return await pulls(house)


def address(house: House, of: Connection, rest: str = "") -> str:
    return f"{house.bridge}/connections/{of.id}/deliveries{rest}"


async def listed(house: House, browser: Browser, of: Connection, query: str = "") -> str:
    page = await browser.open(address(house, of, query))
    assert page.status == 200, page.text
    return text(page)


async def make_dead(house: House, made: Pulls, of: Connection, *, whole: bool = False) -> str:
    """A message (or a whole delivery) that dies; the delivery's id. The worker stays at work."""
    if not house.running:
        house.start_worker()
    payload = made.payload_of(1, "Fix", "opened")
    payload["pull_request"]["body"] = f"the key is {SECRET}"
    if whole:
        del payload["pull_request"]["head"]
    else:
        house.flowdock_journal.faults.append(Fault(path="/messages", status=400, answer="is silly"))
    before = len(await house.services.queue.dead_letters())
    assert (await house.deliver(payload)).status == 202
    letters = await dead(house, before + 1)
    letter = letters[-1]
    told = json.loads(letter.fields["message"]) if "message" in letter.fields else letter.fields
    return str(told["delivery_id"])


# Who sees it

PAGES = ["", "/some-delivery"]


@pytest.mark.parametrize("rest", PAGES)
async def test_nobody_sees_deliveries_without_signing_in(house: House, browser: Browser, rest: str) -> None:
    one = await connection(house)
    page = await browser.open(address(house, one, rest))
    assert page.url.startswith(house.flowdock)


@pytest.mark.parametrize("rest", PAGES)
@pytest.mark.parametrize("which", ["of another flow", "made by hand", "unknown"])
async def test_a_stranger_to_the_flow_is_told_nothing(
    house: House, browser: Browser, rest: str, which: str
) -> None:
    one = await connection(house, "acme/ops", flow="" if which == "made by hand" else "acme/ops")
    await noted(house, one, "posted", delivery="some-delivery")
    await sign_in(house, browser, "cy")
    connection_id = "0" * 8 if which == "unknown" else one.id
    page = await browser.open(f"{house.bridge}/connections/{connection_id}/deliveries{rest}")
    assert (page.status, "acme" in text(page)) == (404, False)


@pytest.mark.parametrize("do", ["retry", "drop"])
async def test_a_stranger_to_the_flow_repairs_nothing(
    house: House, browser: Browser, made: Pulls, do: str
) -> None:
    ops = await connection(house, "acme/ops")
    await make_dead(house, made, ops)
    (letter,) = await house.services.queue.dead_letters()
    page = await sign_in(house, browser, "cy")
    main = await connection(house)
    for through in (ops, main):
        refused = await send(browser, page, through, do=do, letter=letter.id)
        assert refused.status == 404
    await send(browser, page, main, do="retry", letter="all")
    assert await house.services.queue.dead_letters() == [letter]


async def send(browser: Browser, page: Page, of: Connection, **fields: str) -> Page:
    csrf = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert csrf
    return await browser.submit(
        page, Form(f"/connections/{of.id}/dead-letters", "post"), {"csrf": csrf[1]} | fields
    )


# What it says


async def test_before_anything_came_it_says_what_to_do(house: House, browser: Browser) -> None:
    await sign_in(house, browser)
    for one in (await connection(house), await connection(house, "acme/ops", repository_id=None)):
        assert "None yet. Open a pull request, or check the webhook" in await listed(house, browser, one)


async def test_each_delivery_says_what_became_of_it(house: House, browser: Browser, made: Pulls) -> None:
    one = await connection(house)
    house.start_worker()
    opened = made.payload_of(1, "A", action="opened")
    opened["pull_request"]["title"] = "A \u202eB"
    assert (await house.deliver(opened)).status == 202
    await idle(house)
    await noted(house, one, "skipped", number=7, event="issue_comment", reason="comments are muted", ago=5)
    await sign_in(house, browser)
    shown = await listed(house, browser, one)
    assert r"Pull request opened by A #1 A \u202eB Posted" in shown
    assert "Issue comment opened #7 Skipped comments are muted" in shown
    assert "1 posted 1 skipped" in shown
    assert f"{house.github}/acme/component/pull/7" in (await browser.open(address(house, one))).text


async def test_a_retried_message_says_why_and_when(house: House, browser: Browser, made: Pulls) -> None:
    one = await connection(house)
    house.flowdock_journal.faults.append(
        Fault(path="/messages", status=503, headers={"Retry-After": "3000"}, times=FOREVER)
    )
    house.start_worker()
    await made.deliver(1, "A", action="opened")
    await tried(house, 1)
    await sign_in(house, browser)
    shown = await listed(house, browser, one, "?outcome=retrying")
    assert re.search(r"#1 (A )?Retrying Flowdock answered 503 1 failed attempt, next in (49|50) min", shown)


async def test_a_waiting_delivery_says_so(house: House, browser: Browser, made: Pulls) -> None:
    one = await connection(house)
    await made.deliver(3, "A", action="opened")
    await sign_in(house, browser)
    assert "#3 Waiting for earlier deliveries" in await listed(house, browser, one)


async def test_another_connections_outcomes_are_not_told(house: House, browser: Browser, made: Pulls) -> None:
    theirs = await connection(house, "acme/ops")
    await make_dead(house, made, theirs)
    await noted(house, theirs, "skipped", number=77, reason="a reason of theirs")
    mine = await connection(house)
    await sign_in(house, browser, "cy")
    assert "None yet." in await listed(house, browser, mine)


FILTERS = [
    ("outcome=posted", {"#1"}),
    ("outcome=skipped", {"#2", "#3"}),
    ("event=issue_comment", {"#3"}),
    ("number=2", {"#2"}),
    ("number=%232&outcome=skipped", {"#2"}),
    ("number=2&outcome=posted", set()),
    ("outcome=nonsense&number=x&event=", {"#1", "#2", "#3"}),
    ("number=99999999999999999999", {"#1", "#2", "#3"}),
]


@pytest.mark.parametrize(("query", "numbers"), FILTERS, ids=[query for query, _ in FILTERS])
async def test_deliveries_can_be_chosen_by_outcome_event_and_pull_request(
    house: House, browser: Browser, query: str, numbers: set[str]
) -> None:
    one = await connection(house)
    await noted(house, one, "posted", number=1)
    await noted(house, one, "skipped", number=2)
    await noted(house, one, "skipped", number=3, event="issue_comment")
    await sign_in(house, browser)
    shown = await listed(house, browser, one, f"?{query}")
    assert set(re.findall(r"#\d\b", shown)) == numbers
    assert ("None of the 3 deliveries matches" in shown) == (not numbers)


async def test_peoples_words_are_shown_as_text(house: House, browser: Browser) -> None:
    one = await connection(house)
    await noted(
        house, one, "skipped", reason='<script>alert(1)</script> "', event="<i>", sender="<b>", delivery="x"
    )
    await sign_in(house, browser)
    for rest in ("", "/x"):
        page = await browser.open(address(house, one, rest))
        assert (page.status, "<script>" in page.text, "<i>" in page.text) == (200, False, False)


# Dead letters


async def test_a_dead_letter_stands_at_the_top_and_can_be_tried_again(
    house: House, browser: Browser, made: Pulls
) -> None:
    one = await connection(house)
    await make_dead(house, made, one)
    await sign_in(house, browser)
    page = await browser.open(address(house, one))
    shown = text(page)
    assert shown.index("1 not delivered Pull request opened (#1) by Fix") < shown.index("Recent deliveries")
    assert "Flowdock answered 400: is silly Retry" in shown
    page = await browser.press(page, "Retry pull_request " + await only_delivery(house))
    assert "Queued again" in text(page)
    (message,) = await posted(house, 1)
    assert message["external_thread_id"] == "github:component:pr:1"

    async def told() -> bool:
        return "Posted" in await listed(house, browser, one)

    await eventually(told)
    assert "not delivered pull_request" not in await listed(house, browser, one)


async def only_delivery(house: House) -> str:
    (letter,) = await house.services.queue.dead_letters()
    return str(json.loads(letter.fields["message"])["delivery_id"])


async def test_all_dead_letters_can_be_tried_again_at_once(
    house: House, browser: Browser, made: Pulls
) -> None:
    one = await connection(house)
    for _ in range(3):
        await make_dead(house, made, one)
    await sign_in(house, browser)
    await browser.press(await browser.open(address(house, one)), "Retry all 3")
    await posted(house, 3)
    assert await house.services.queue.dead_letters() == []


async def test_a_message_can_be_dropped(house: House, browser: Browser, made: Pulls) -> None:
    one = await connection(house)
    delivery = await make_dead(house, made, one)
    await sign_in(house, browser)
    page = await browser.press(await browser.open(address(house, one)), f"Drop pull_request {delivery}")
    assert "The message was dropped." in text(page)
    assert await house.services.queue.dead_letters() == []
    assert "Not delivered Flowdock answered 400: is silly dropped" in text(page)
    await idle(house)
    assert await house.messages() == []


async def test_a_whole_delivery_is_tried_again_but_not_dropped_by_one_flow_for_all(
    house: House, browser: Browser, made: Pulls
) -> None:
    one = await connection(house)
    delivery = await make_dead(house, made, one, whole=True)
    (letter,) = await house.services.queue.dead_letters()
    page = await sign_in(house, browser)
    refused = await send(browser, page, one, do="drop", letter=letter.id)
    assert (refused.status, "A whole delivery cannot be dropped here" in refused.text) == (400, True)
    assert await house.services.queue.dead_letters() == [letter]
    page = await browser.open(address(house, one, f"/{delivery}"))
    assert "Drop" not in [label for form in page.forms for _, _, label in form.buttons]
    assert "KeyError: &#39;head&#39;" in page.text, "what went wrong is told to whoever mends it"
    await stop_worker(house)
    await browser.press(page, "Retry")
    assert await house.redis.xlen(keys.inbox(PARTITION)) == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"do": "retry", "letter": "9-9-9"}, 404),
        ({"do": "retry", "letter": ""}, 404),
        ({"do": "drop", "letter": "all"}, 404),
        ({"do": "explode", "letter": "all"}, 400),
        ({}, 400),
        ({"do": "retry", "letter": "all", "csrf": "forged"}, 403),
    ],
)
async def test_an_odd_form_changes_nothing(
    house: House, browser: Browser, made: Pulls, fields: dict[str, str], status: int
) -> None:
    one = await connection(house)
    await make_dead(house, made, one)
    before = await house.services.queue.dead_letters()
    page = await sign_in(house, browser)
    assert (await send(browser, page, one, **fields)).status == status
    assert await house.services.queue.dead_letters() == before


# One delivery


async def test_a_delivery_that_is_not_remembered_is_a_page_that_says_so(
    house: House, browser: Browser
) -> None:
    one = await connection(house)
    await sign_in(house, browser)
    page = await browser.open(address(house, one, "/unheard-of"))
    assert (page.status, "it keeps the newest hundred" in page.text) == (404, True)


async def test_a_dead_message_is_shown_as_it_would_be_posted_and_masked(
    house: House, browser: Browser, made: Pulls
) -> None:
    one = await connection(house)
    delivery = await make_dead(house, made, one)
    await sign_in(house, browser)
    page = await browser.open(address(house, one, f"/{delivery}"))
    assert "The message that was not posted" in text(page)
    assert "external_thread_id" not in page.text
    assert SECRET not in page.text
    assert house.flow_token not in page.text


@pytest.mark.parametrize(("hook_id", "path"), [(7, "/7?tab=deliveries"), (None, "")])
async def test_a_payload_is_to_be_found_at_github(
    house: House, browser: Browser, hook_id: int | None, path: str
) -> None:
    one = await connection(house, hook_id=hook_id)
    await noted(house, one, "posted", delivery="d-1")
    await sign_in(house, browser)
    page = await browser.open(address(house, one, "/d-1"))
    assert f'"{house.github}/acme/component/settings/hooks{path}">Recent deliveries' in page.text
    assert "Look for d-1." in text(page)


async def test_only_the_owner_of_a_github_app_finds_payloads(redis_url: str, browser: Browser) -> None:
    async with open_app_house(redis_url) as house:
        await made_at_github(house, name="bridge-of-acme")
        one = await connection(house)
        await noted(house, one, "posted", delivery="d-1")
        await sign_in(house, browser)
        page = await browser.open(address(house, one, "/d-1"))
        assert "This delivery came through the GitHub App bridge-of-acme. Its owner finds" in text(page)


async def test_old_letters_without_their_event_are_listed(house: House, browser: Browser) -> None:
    one = await connection(house)
    await noted(house, one, "posted", event="", action="", delivery="old")
    await sign_in(house, browser)
    page = await browser.open(address(house, one))
    assert f'"/connections/{one.id}/deliveries/old"' in page.text
    assert re.search(r'/deliveries/old">[^<\s]', page.text), "a link has a text"


async def test_a_payload_that_was_too_large_to_keep_is_told_of_and_cannot_be_tried_again(
    house: House, browser: Browser, made: Pulls
) -> None:
    one = await connection(house)
    house.start_worker()
    payload = made.payload_of(1, "Fix", "opened")
    payload["pull_request"]["body"] = badly_packed(150_000)
    del payload["pull_request"]["head"]
    assert (await house.deliver(payload, delivery_id="large")).status == 202
    (letter,) = await dead(house)

    page = await sign_in(house, browser)
    for rest in ("", "/large"):
        page = await browser.open(address(house, one, rest))
        assert "It cannot be retried here: its payload was dropped, because it was larger" in text(page)
        assert "Retry" not in [label for form in page.forms for _, _, label in form.buttons]
    refused = await send(browser, page, one, do="retry", letter=letter.id)
    assert (refused.status, "have GitHub send it again" in refused.text) == (400, True)
    assert (await send(browser, page, one, do="retry", letter="all")).status == 200
    assert await house.services.queue.dead_letters() == [letter]
    assert (await house.deliver(payload, delivery_id="large")).status == 202, "GitHub may send it again"
