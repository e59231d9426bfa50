"""The doctor's rows about the settings."""

import pytest

from bridge import settings
from bridge.cli.doctor import environment
from tests.kits.doctor import Doctor

SETTINGS = [
    ({"COOKIE_SECRET": "short"}, "secrets", "wrong", "COOKIE_SECRET is too short: it needs 32"),
    ({"COOKIE_SECRET": "x" * 32}, "secrets", "fine", ""),
    ({"COOKIE_SECRET": ""}, "secrets", "wrong", "COOKIE_SECRET is missing"),
    ({"ENCRYPTION_KEY": "short"}, "secrets", "wrong", "ENCRYPTION_KEY is too short"),
    ({"METRICS_TOKEN": "x" * 31}, "secrets", "wrong", "METRICS_TOKEN is too short: it needs 32"),
    ({"METRICS_TOKEN": "x" * 32}, "secrets", "fine", ""),
    ({"SETUP_SECRET": "x" * 31}, "secrets", "wrong", "SETUP_SECRET is too short"),
    ({"SETUP_SECRET": "x" * 32}, "secrets", "fine", ""),
    ({"WEB_URL": "https://127.0.0.1:1", "TRUST_PROXY": "1"}, "address", "fine", ""),
    ({"WEB_URL": "https://127.0.0.1:1"}, "address", "warn", "Set TRUST_PROXY=1"),
    ({"TRUST_PROXY": "0"}, "address", "warn", "WEB_URL is not https"),
    ({"WEB_URL": "https://bridge.example.com", "TRUST_PROXY": "1"}, "address", "warn", "is the example"),
    ({"TRUST_PROXY": "maybe"}, "address", "wrong", "TRUST_PROXY must be one of"),
    ({"WEB_URL": "nowhere"}, "address", "wrong", "WEB_URL must be an address"),
    ({"PORT": "x"}, "address", "wrong", "PORT must be a number"),
    ({"FLOWDOCK_CLIENT_SECRET": ""}, "Flowdock settings", "wrong", "FLOWDOCK_CLIENT_SECRET is missing"),
    ({"GITHUB_CLIENT_ID": ""}, "GitHub settings", "wrong", "GITHUB_CLIENT_ID is missing"),
    ({"GITHUB_WEBHOOK_SECRET": "short"}, "GitHub settings", "wrong", "is too short: it needs 32"),
    ({"GITHUB_APP": "1"}, "GitHub settings", "warn", "GITHUB_APP has no effect"),
    ({"GITHUB_APP": "maybe"}, "GitHub settings", "wrong", "GITHUB_APP must be one of"),
    ({"LOG_LEVEL": "loud"}, "other settings", "wrong", "LOG_LEVEL must be one of"),
]


@pytest.mark.parametrize(
    ("changes", "check", "state", "words"), SETTINGS, ids=[str(row[0]) for row in SETTINGS]
)
async def test_settings(asking: Doctor, changes: dict[str, str], check: str, state: str, words: str) -> None:
    found = await asking.row(check, **changes)
    assert (found[0], words in found[1]) == (state, True), found


def test_the_app_is_named_where_github_is_not_set_at_all() -> None:
    for environ, told in (({}, True), ({"GITHUB_CLIENT_ID": "x"}, False)):
        found = environment.rows(*settings.examine(environ))
        told_of = [row for row in found if "Or set GITHUB_APP=1" in row.to_do]
        assert [(row.check, row.state) for row in told_of] == [("GitHub settings", "warn")] * told


@pytest.mark.parametrize(
    ("web_url", "token", "told"),
    [
        ("https://b.example", "", True),
        ("https://b.example", "x" * 32, False),
        ("http://localhost:8080", "", False),
        ("http://[::1]:8080", "", False),
    ],
)
def test_with_the_app_a_bridge_elsewhere_needs_a_secret_for_its_page(
    web_url: str, token: str, told: bool
) -> None:
    environ = {"GITHUB_APP": "1", "WEB_URL": web_url, "SETUP_SECRET": token}
    found = [row.to_do for row in environment.rows(*settings.examine(environ)) if row.check == "secrets"]
    assert any("SETUP_SECRET is not set" in to_do for to_do in found) == told
