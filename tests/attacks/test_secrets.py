"""No secret lies open: not in Redis, not in what is printed, not in pages, addresses, metrics or errors.

The secrets are found by who makes them (`tests.kits.hygiene`): a new kind is looked for without being named.
"""

import base64
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from bridge.core.security.encryption import Vault
from bridge.storage import keys
from tests.conftest import House, open_house
from tests.kits import hygiene
from tests.kits.commands import serving
from tests.kits.dump import everything
from tests.kits.github_app import make, open_app_house
from tests.kits.whole_story import Answer, Seen, Watched, told

# Where a secret must come up in the story, or the search for it proves nothing.
MAKERS = {
    "a claim",
    "bridge.inbox.people.grants",
    "bridge.inbox.flows.sources",
    "bridge.storage.webhook_keys",
    "a link to hand on",
    "bridge.web.auth.handover",
    "cookie bridge_handover",
    "cookie bridge_linking",
    "cookie bridge_session",
    "cookie bridge_signin",
    "scripts.sandbox.github.tokens",
    "settings.cookie_secrets",
    "settings.encryption_keys",
    "settings.flowdock_client_secret",
    "settings.github_client_secret",
    "settings.github_webhook_secrets",
    "settings.metrics_token",
    "settings.setup_secret",
}
APP_MAKERS = {
    "scripts.sandbox.github.apps",
    "the App's pem",
    "the App's client_secret",
    "the App's webhook_secret",
}
A_LINK = "a link to hand on"
MADE_FOR_A_PAGE = {"bridge.web.auth.linking", A_LINK}
METRICS_TOKEN = "the-scrapers-own-token-and-nobody-elses"
SETUP_SECRET = "the-operators-own-secret-of-setting-up"


def makers() -> set[str]:
    return {one.maker for one in hygiene.KNOWN.values()}


async def dump(house: House) -> bytes:
    kept = await everything(house.redis)
    return b"\n".join(part for name, value in kept.items() for part in (name.encode(), value))


async def an_app(redis_url: str) -> Seen:
    """A GitHub App made by its manifest, on the same Redis as another house's story."""
    seen = Seen()
    async with open_app_house(redis_url) as house, Watched(house.bridge, seen) as browser:
        await make(house, browser)
        app = await house.services.credentials.app()
        assert app is not None
        for name in ("pem", "client_secret", "webhook_secret"):
            hygiene.know(getattr(app, name), f"the App's {name}")
        hygiene.know(app.pem.splitlines()[5], "a line of the App's pem")
        assert (await house.redis.exists("bridge:github-app")) == 1
    return seen


# The search itself


@pytest.mark.parametrize(
    "shown",
    [
        "s3cret/with+signs, and more",
        "?code=s3cret%2Fwith%2Bsigns%2C+and+more",
        "?code=s3cret%2Fwith%2Bsigns%2C%20and%20more&x",
        base64.b64encode(b"client:s3cret/with+signs, and more").decode(),
        "/path/" + base64.urlsafe_b64encode(b"s3cret/with+signs, and more").decode(),
        base64.b64encode(base64.b64encode(b'{"x": "s3cret/with+signs, and more"}')).decode(),
    ],
)
def test_a_secret_is_found_in_each_shape(shown: str) -> None:
    hygiene.know("s3cret/with+signs, and more", "somebody")
    assert hygiene.leaks(f"x {shown} y".encode()) == ["somebody"]


def test_output_that_a_test_captured_is_searched_too(capsys: pytest.CaptureFixture[str]) -> None:
    hygiene.know("s3cret/with+signs", "somebody")
    sys.stdout.write("it is s3cret/with+signs")
    capsys.readouterr()
    assert hygiene.printed_leaks() == ["somebody"]
    hygiene.forget()


@pytest.mark.parametrize(
    "shown",
    ["gho_" + "0aB" * 12, "eyJhbGciOiJI.eyJ1c2VyIjoi.c2lnbmF0dXJlLW9m", "-----BEGIN RSA PRIVATE KEY-----"],
)
def test_a_text_shaped_like_a_secret_is_found_without_being_known(shown: str) -> None:
    assert len(hygiene.leaks(shown.encode())) == 1


# Redis


async def test_after_a_whole_story_no_secret_lies_open_in_redis(redis_url: str) -> None:
    async with open_house(redis_url, metrics_token=METRICS_TOKEN, setup_secret=SETUP_SECRET) as house:
        house.start_worker()
        async with told(house):
            await an_app(redis_url)
            kept = await dump(house)
    assert makers() >= MAKERS | APP_MAKERS, makers()
    assert len(kept) > 10_000
    assert hygiene.leaks(kept, but=hygiene.NAMES | hygiene.NAMES_IN_REDIS) == []


# What is printed, and what browsers see


async def _get(house: House, path: str, **headers: str) -> str:
    async with house.http.get(house.bridge + path, headers=headers) as response:
        return f"{response.status} {response.headers} {await response.text()}"


async def _errors(house: House) -> list[str]:
    """Every kind of refusal, asked with secrets: none comes back."""
    answers = []
    secret = house.services.settings.github_webhook_secrets[0]
    for method, path, headers in (
        ("POST", "/github/webhook", {"X-Hub-Signature-256": f"sha256={secret}"}),
        ("POST", f"/github/webhook/{secret}", {}),
        ("POST", "/repos/a/b/pulls/1/merge", {"FLOWDOCK-TOKEN": secret}),
        ("GET", f"/authorization?claim={secret}", {}),
        ("GET", f"/auth/github/callback?code={secret}&state={secret}", {}),
        ("GET", f"/auth/flowdock/callback?code={secret}&state={secret}", {}),
        ("GET", "/metrics", {"Authorization": f"Bearer {secret}"}),
        ("POST", "/signout", {"Cookie": f"bridge_session={secret}"}),
        ("GET", f"/static/{secret[:4]}?{secret}", {}),
        ("DELETE", f"/?x={secret}", {}),
    ):
        async with house.http.request(
            method, house.bridge + path, headers=headers, allow_redirects=False
        ) as response:
            answers.append(f"{response.status} {response.headers} {await response.text()}")
    return answers


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_no_secret_is_printed_shown_or_sent_along(
    redis_url: str, tmp_path: Path, log_format: str
) -> None:
    output = tmp_path / "bridge.log"
    async with open_house(redis_url, metrics_token=METRICS_TOKEN, setup_secret=SETUP_SECRET) as house:
        chosen = {
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": log_format,
            "METRICS_TOKEN": METRICS_TOKEN,
            "SETUP_SECRET": SETUP_SECRET,
        }
        async with serving(house, redis_url, output, **chosen), told(house) as story:
            errors = await _errors(house)
            metrics = await _get(house, "/metrics", Authorization=f"Bearer {METRICS_TOKEN}")
            seen = story.seen.answers
            await _know_webhook_secrets(house)
    assert "bridge_deliveries_total" in metrics
    assert makers() >= MAKERS - {"bridge.web.auth.handover"}
    printed = output.read_text()
    assert printed.count("message_posted") >= 4, "it is bridge's own log"
    assert "dead_letter" in printed
    for where, text in {"the log": printed, "the metrics": metrics, "the errors": "\n".join(errors)}.items():
        assert hygiene.leaks(text.encode()) == [], where
    _nothing_in_pages(seen)
    _nothing_in_headers(seen)


async def _know_webhook_secrets(house: House) -> None:
    """Those of the process that was started: they lie encrypted in Redis."""
    vault, redis = Vault(house.services.settings.encryption_keys), house.redis
    for name in await redis.keys(keys.webhook("*")):
        text = name.decode() if isinstance(name, bytes) else name
        sealed = await redis.get(text)
        assert isinstance(sealed, bytes)
        found = orjson.loads(vault.decrypt(sealed, aad=f"webhook:{text.rpartition(':')[2]}"))
        hygiene.know(found["secret"], "bridge.storage.webhook_keys")
        hygiene.know(found["key"], "bridge.storage.webhook_keys")


def _nothing_in_pages(seen: list[Answer]) -> None:
    """But what a form brings back that was made for that page, and a link on pages that it leads to."""
    pages = [answer for answer in seen if answer.text]
    assert len({re.sub(r"[0-9a-f]{8,}", "ID", urlsplit(page.url).path) for page in pages}) >= 10
    for page in pages:
        assert set(hygiene.leaks(page.text.encode())) <= MADE_FOR_A_PAGE, page.url


def _nothing_in_headers(seen: list[Answer]) -> None:
    """But cookies in their own header, and what OAuth sends along on its way out."""
    for answer in seen:
        assert answer.headers["Referrer-Policy"] == "no-referrer", answer.url
        location = urlsplit(answer.headers.get("Location", ""))
        assert {*parse_qs(location.query)} <= {
            *("client_id", "response_type", "redirect_uri", "scope", "state"),
            *("code_challenge", "code_challenge_method", "allow_signup", "then", "flow", "unlinked"),
        }, answer.url
        rest = [value for name, value in answer.headers.items() if name not in ("Set-Cookie", "Location")]
        assert hygiene.leaks("\n".join(rest).encode()) == [], answer.url
        assert set(hygiene.leaks(location.path.encode())) <= {A_LINK}, answer.url


async def test_making_an_app_shows_none_of_its_secrets(
    redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = await an_app(redis_url)
    assert makers() >= APP_MAKERS
    everything_shown = [answer.text for answer in seen.answers] + [capsys.readouterr().out]
    assert len(seen.answers) >= 2
    shown = set(hygiene.leaks("\n".join(everything_shown).encode()))
    assert shown <= {"bridge.web.pages.github_app"}, "its form holds a state, made for it"
