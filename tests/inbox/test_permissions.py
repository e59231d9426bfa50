"""Who sees and changes what: every address of the inbox about people, by every kind of visitor."""

import re
from collections.abc import AsyncIterator

import pytest

from bridge.inbox.admission import Admission
from bridge.web.inbox import PEOPLE_PAGES
from scripts.sandbox.browse import Browser
from tests.conftest import House
from tests.kits.inbox import IDS, open_inbox, put, sign_in

Inbox = tuple[House, Admission]

VISITORS = {"nobody": None, "a member": "bob", "an owner": "ann"}
SIGN_IN, PAGE, REFUSED, DONE = "sign in", "page", "refused", "done"

# By method and address: what each kind of visitor gets. A form is sent with the visitor's own csrf value.
TABLE: dict[tuple[str, str], tuple[str, str, str]] = {
    ("GET", "/inbox/people"): (SIGN_IN, PAGE, PAGE),
    ("GET", "/inbox/people/{id}/remove"): (SIGN_IN, REFUSED, PAGE),
    ("GET", "/inbox/settings"): (SIGN_IN, PAGE, PAGE),
    ("GET", "/inbox/settings/delete"): (SIGN_IN, PAGE, PAGE),
    ("POST", "/inbox/people/invitations"): (SIGN_IN, REFUSED, PAGE),
    ("POST", "/inbox/people/invitations/{name}/withdraw"): (SIGN_IN, REFUSED, DONE),
    ("POST", "/inbox/people/{id}/{role}"): (SIGN_IN, REFUSED, DONE),
    ("POST", "/inbox/settings/name"): (SIGN_IN, DONE, DONE),
    ("POST", "/inbox/settings/tokens"): (SIGN_IN, REFUSED, REFUSED),
    ("POST", "/inbox/settings/tokens/{name}/revoke"): (SIGN_IN, DONE, DONE),
    ("POST", "/inbox/settings/sessions/{name}/end"): (SIGN_IN, DONE, DONE),
    ("GET", "/inbox/service-worker.js"): (PAGE, PAGE, PAGE),
    ("GET", "/inbox/away"): (PAGE, PAGE, PAGE),
    ("POST", "/inbox/settings/notifications"): (SIGN_IN, DONE, DONE),
    ("POST", "/inbox/settings/mail"): (SIGN_IN, REFUSED, REFUSED),
    ("POST", "/inbox/settings/mail/end"): (SIGN_IN, DONE, DONE),
    ("GET", "/inbox/mail/confirm/{link}"): (SIGN_IN, REFUSED, REFUSED),
    ("POST", "/inbox/mail/confirm/{link}"): (SIGN_IN, REFUSED, REFUSED),
    ("GET", "/inbox/mail/unsubscribe/{link}"): (REFUSED, REFUSED, REFUSED),
    ("POST", "/inbox/mail/unsubscribe/{link}"): (REFUSED, REFUSED, REFUSED),
    ("POST", "/inbox/settings/browsers"): (SIGN_IN, REFUSED, REFUSED),
    ("POST", "/inbox/settings/browsers/{name}/remove"): (SIGN_IN, DONE, DONE),
    ("POST", "/inbox/people/{id}/remove"): (SIGN_IN, REFUSED, DONE),
    ("POST", "/inbox/sign-out"): (SIGN_IN, DONE, DONE),
    ("POST", "/inbox/settings/sign-out-everywhere"): (SIGN_IN, DONE, DONE),
    ("POST", "/inbox/settings/delete"): (SIGN_IN, DONE, DONE),
}

OF_THEIR_OWN = {
    # The way in: for everybody, bound to a browser by a sealed cookie; see their own tests.
    ("GET", "/inbox/sign-in"),
    ("GET", "/inbox/sign-in/github"),
    ("GET", "/inbox/invitation/{secret}"),
    ("GET", "/inbox/invitation/{secret}/sign-in"),
}


@pytest.fixture
async def inbox(redis_url: str) -> AsyncIterator[Inbox]:
    async with open_inbox(redis_url) as opened:
        for nick in ("ann", "bob", "cy", "dee"):
            await put(opened[1].people, nick, owner=nick in ("ann", "dee"))
        yield opened


def test_the_table_names_every_address() -> None:
    there = {
        (route.method, re.sub(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}", r"{\1}", route.path))
        for module in PEOPLE_PAGES
        for route in module.routes
    }
    assert there == TABLE.keys() | OF_THEIR_OWN


def filled(path: str) -> str:
    """An address about Cy, by names that nothing has."""
    return path.format(id=IDS["cy"], name="0" * 64, role="owner", link="none")


async def asked(house: House, browser: Browser, method: str, path: str, csrf: str) -> str:
    async with browser.session.request(
        method,
        house.bridge + filled(path),
        data={"csrf": csrf} if method == "POST" else None,
        allow_redirects=False,
    ) as response:
        location = response.headers.get("Location", "")
        if response.status == 303:
            return SIGN_IN if location.startswith("/inbox/sign-in?") else DONE
        return {200: PAGE, 401: SIGN_IN, 403: REFUSED, 422: REFUSED}[response.status]


@pytest.mark.parametrize("visitor", VISITORS)
async def test_each_address_admits_the_people_of_its_row(inbox: Inbox, visitor: str) -> None:
    house, _ = inbox
    nick, column = VISITORS[visitor], list(VISITORS).index(visitor)
    found = {}
    for method, path in TABLE:
        if path.endswith("{id}/remove") and method == "POST":
            await put(inbox[1].people, "cy")
        async with Browser() as browser:
            csrf = ""
            if nick:
                await put(inbox[1].people, nick, owner=nick == "ann")
                page = await sign_in(house, browser, nick)
                csrf = page.forms[0].fields["csrf"]
            found[method, path] = await asked(house, browser, method, path, csrf)
    assert found == {address: row[column] for address, row in TABLE.items()}
