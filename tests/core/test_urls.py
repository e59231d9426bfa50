"""Whatever address a payload names, a flow is shown none but a web page's."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.messages.markdown import to_html
from bridge.core.urls import MAX_CACHED, avatar_origins, in_repository, is_public, web_address
from tests.core.messages.test_every_example import EXAMPLES, known
from tests.kits.core.pipeline import satisfies_flowdock

WEB = [
    "https://github.com/acme/component/pull/1",
    "http://localhost:8082/acme",
    "HTTPS://GitHub.example/a?b=c#d",
    "https://ci.example",
    "https://ci.example/ü?x=[1]",
    f"https://ci.example/{'x' * MAX_CACHED}",
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
        "https://x/\u202egpj",
        "https://x/\u200b",
        f"https://x/{'x' * MAX_CACHED} ",
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


@pytest.mark.parametrize(
    "base", ["javascript:alert(1)//", "", "x", "https://github.com.0", "https://github.com:99999"]
)
def test_beginnings_of_links_are_checked_too(base: str) -> None:
    shown = to_html("[a](b) [c](/d) [e](https://f.example)", base_url=base + "/", rest_url="javascript:x")
    assert "javascript" not in shown
    assert 'href="https://f.example"' in shown


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fe80::1%lo", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
        # Ways into IPv4 from within IPv6.
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::", "2001:0:a00:1::"),
        *("", "localhost", "127.1", "0x7f000001", "2130706433", "8.8.8.8\n"),
    ],
)
def test_one_of_this_machine_or_of_a_private_network_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("github", "beside"),
    [
        ("https://github.com", "https://avatars.githubusercontent.com"),
        ("https://ghe.example", "https://avatars.ghe.example"),
        ("http://127.0.0.1:8080/", "http://avatars.127.0.0.1:8080"),
    ],
)
def test_avatars_are_at_github_or_beside_it(github: str, beside: str) -> None:
    assert avatar_origins(github) == (github.rstrip("/"), beside)


@pytest.mark.parametrize(
    ("address", "present"),
    [
        (
            "https://github.com/acme/old/pull/2#discussion_r1",
            "https://github.com/acme/new/pull/2#discussion_r1",
        ),
        ("https://github.com/acme/old/pull/2/files#r1", "https://github.com/acme/new/pull/2/files#r1"),
        ("https://github.com/acme/old/labels/a/b", "https://github.com/acme/new/labels/a/b"),
        ("https://github.com/acme/old", "https://github.com/acme/old"),
        ("", ""),
    ],
)
def test_an_address_in_a_renamed_repository_has_its_present_name(address: str, present: str) -> None:
    assert in_repository(address, "https://github.com/acme/new") == present
    assert in_repository(address, "") == address
