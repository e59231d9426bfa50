"""Push subscriptions: what a browser may hand in, and how many a person has."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inbox.notifications.subscriptions import (
    MOST,
    PushSubscription,
    SubscriptionRefused,
    SubscriptionStore,
)
from scripts.sandbox.push_service import PushService, encoded

FORM = PushService(url="https://push.example.net").subscribe("").form


def read(**changes: str) -> PushSubscription:
    return PushSubscription.read(FORM | changes, name="n", browser="")


@pytest.mark.parametrize(
    "endpoint",
    [
        *("", "push.example.net", "//push.example.net/x", "javascript:alert(1)", "https:///x"),
        *("http://push.example.net/x", "ftp://push.example.net/x", "https://push.example.net:6379/x"),
        *(
            "https://localhost/x",
            "https://127.0.0.1/x",
            "https://2130706433/x",
            "https://[::1]/x",
            "https://0x7f.1:0/x",
        ),
        *(
            "https://a@push.example.net/x",
            "https://push.example.net/\r\nX-Evil: 1",
            "https://push.example.net/ x",
        ),
        *("https://push.example.net/ü", "https://push.example.net/" + "x" * 1000, "https://[::1/x"),
    ],
)
def test_an_endpoint_is_an_https_address_of_a_named_host(endpoint: str) -> None:
    with pytest.raises(SubscriptionRefused, match="push service"):
        read(endpoint=endpoint)
    assert read().endpoint == FORM["endpoint"]


@pytest.mark.parametrize(
    "keys",
    [
        {"p256dh": ""},
        {"p256dh": encoded(b"\x04" + b"\x01" * 64)},
        {"p256dh": encoded(b"\x00")},
        {"p256dh": "?" * 87},
        {"auth": ""},
        {"auth": encoded(b"\x01" * 15)},
    ],
)
def test_keys_are_a_point_of_the_curve_and_sixteen_bytes(keys: dict[str, str]) -> None:
    with pytest.raises(SubscriptionRefused, match="no encryption keys"):
        read(**keys)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(["endpoint", "p256dh", "auth"]), st.text(max_size=100), min_size=1))
def test_nothing_that_a_browser_sends_breaks_the_check(changes: dict[str, str]) -> None:
    try:
        read(**changes)
    except SubscriptionRefused:
        return
    assert changes == {} or changes.items() <= FORM.items()


async def test_the_browsers_of_a_person_have_a_limit_and_each_counts_once(redis: Any) -> None:
    store, service = SubscriptionStore(redis=redis), PushService(url="https://push.example.net")
    for number in range(MOST + 2):
        form = service.subscribe("").form
        await store.add(7, PushSubscription.read(form, name=f"s{number:02}", browser="Firefox"))
    assert [one.name for one in await store.of(7)] == [f"s{number:02}" for number in range(2, MOST + 2)]
    # The browser's session is another one now.
    await store.add(7, PushSubscription.read(form, name="new", browser="Firefox"))
    names = {one.name for one in await store.of(7)}
    assert (len(names), "new" in names, f"s{MOST + 1:02}" in names) == (MOST, True, False)
    assert await store.of(8) == []
