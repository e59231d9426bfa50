"""Whatever address a payload names, a flow is shown none but a web page's."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.messages.markdown import to_html
from bridge.core.urls import web_address
from tests.core.messages.test_every_example import EXAMPLES, known
from tests.kits.core.pipeline import satisfies_flowdock

WEB = [
    "https://github.com/acme/component/pull/1",
    "http://localhost:8082/acme",
    "HTTPS://GitHub.example/a?b=c#d",
    "https://ci.example",
    "https://ci.example/ü?x=[1]",
]
NO_WEB: list[Any] = [
    *("javascript:alert(1)", "JavaScript://x/%0aalert(1)", " javascript:alert(1)", "java\tscript:alert(1)"),
    *("data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://x/y", "blob:https://x/y", "mailto:a@b"),
    *(
        "//evil.example",
        "/etc",
        "https:evil.example",
        "https:///evil",
        "https://",
        "http://:80/",
        "https://?",
    ),
    *("https://github.com@evil.example/", "https://a:b@evil.example", "https://evil\\@github.com"),
    *(
        "https://x/\n",
        "\nhttps://x/",
        "https://x/a b",
        "https://x/\x00",
        'https://x/"onclick=',
        "https://x/<b>",
    ),
    *("https://[::1", "https://x:port/", "https://\u2100.example/", "", None, 1, {}, ["https://x/"]),
]


@pytest.mark.parametrize("value", WEB)
def test_a_web_pages_address_stays_as_it_is(value: str) -> None:
    assert web_address(value) == value


@pytest.mark.parametrize("value", NO_WEB, ids=repr)
def test_nothing_is_left_of_any_other(value: object) -> None:
    assert web_address(value) == ""


def misled(value: Any, address: str, name: str = "") -> Any:
    """The payload with each of its addresses replaced."""
    if isinstance(value, dict):
        return {key: misled(inner, address, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [misled(inner, address, name) for inner in value]
    return address if name.endswith("url") and isinstance(value, str) else value


@settings(max_examples=150, deadline=None)
@given(
    example=st.sampled_from([one.values for one in EXAMPLES]),
    address=st.one_of(
        st.sampled_from([one for one in NO_WEB if isinstance(one, str)]),
        st.tuples(st.sampled_from(["javascript:", "data:", "x:", "https:", "http:/", ""]), st.text()).map(
            "".join
        ),
        st.text().map(lambda rest: f"https://github.com{rest}"),
    ),
)
def test_no_address_of_a_payload_reaches_a_flow_unless_it_is_a_web_pages(
    example: tuple[str, Any], address: str
) -> None:
    event, payload = example[0], misled(copy.deepcopy(example[1]), address)
    bridge = known(event, payload)
    out = bridge.tell(event, payload)
    for one in out:
        # Reads every address in the message and its thread, and fails on any that is not http or https.
        satisfies_flowdock(one.message, bridge.thread(one.number))


@pytest.mark.parametrize("base", ["javascript:alert(1)//", "", "x"])
def test_where_links_begin_is_looked_at_too(base: str) -> None:
    shown = to_html("[a](b) [c](/d) [e](https://f.example)", base_url=base + "/", rest_url="javascript:x")
    assert "javascript" not in shown
    assert 'href="https://f.example"' in shown
