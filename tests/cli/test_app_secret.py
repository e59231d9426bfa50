"""`app-secret`: what was renewed on GitHub is taken over, and a mistake changes nothing."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bridge.clients.github_credentials import App
from bridge.services import open_services
from tests.conftest import House
from tests.kits.commands import environ_of, run
from tests.kits.github_app import another_process, delivered, made_at_github, open_app_house

NEW = "renewed-" * 4


OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""A private key that GitHub does not know."""
ITS_PUBLIC_KEY = OTHER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def in_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """The text of a private key."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def told(house: House, redis_url: str, folder: Path, kind: str, text: str) -> tuple[int, str]:
    """Status and words of the command."""
    file = folder / "new"
    file.write_text(text)
    environ = environ_of(house, redis_url, GITHUB_APP="1")
    done = await run(folder, "app-secret", kind, str(file), environ=environ)
    return done.returncode, done.stdout + done.stderr


async def test_the_apps_secrets_are_taken_over_one_by_one(redis_url: str, tmp_path: Path) -> None:
    async with open_app_house(redis_url) as house:
        app = await made_at_github(house)
        assert await delivered(house, app) == 202
        for kind, field, text in (
            ("private-key", "pem", app.pem),
            ("client-secret", "client_secret", NEW),
            ("webhook-secret", "webhook_secret", f"{NEW}\n"),
        ):
            status, said = await told(house, redis_url, tmp_path, kind, text)
            assert (status, "bridge has the new" in said) == (0, True), said
            assert getattr(await kept(house, redis_url), field) == text.strip()
        async with another_process(house, redis_url) as address:
            assert await delivered(house, app, address) == 401
            assert await delivered(house, app, address, secret=NEW) == 202


async def kept(house: House, redis_url: str) -> App:
    """The App as Redis has it."""
    async with open_services(house.services.settings, redis_url=redis_url) as services:
        return await services.credentials.app() or pytest.fail("there is no App")


@pytest.mark.parametrize(
    ("kind", "text", "status", "words"),
    [
        ("private-key", "nonsense", 2, "no private key"),
        ("private-key", ITS_PUBLIC_KEY, 2, "no private key"),
        ("private-key", in_pem(ec.generate_private_key(ec.SECP256R1())), 2, "no private key"),
        ("private-key", in_pem(OTHER), 1, "GitHub does not know this key"),
        ("client-secret", "", 2, "32 characters"),
        ("webhook-secret", "guessable", 2, "32 characters"),
        ("password", "x", 2, "is not one of"),
    ],
    ids=["no key", "public", "no RSA key", "another key", "empty", "short", "unknown"],
)
async def test_a_mistake_changes_nothing(
    redis_url: str, tmp_path: Path, kind: str, text: str, status: int, words: str
) -> None:
    async with open_app_house(redis_url) as house:
        app = await made_at_github(house)
        found, said = await told(house, redis_url, tmp_path, kind, text)
        assert (found, words in said) == (status, True), said
        assert await kept(house, redis_url) == app


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = await run(tmp_path, "app-secret", "private-key", "none.pem", environ={})
    assert (done.returncode, "none.pem" in done.stderr, "No such file" in done.stderr) == (1, True, True)


async def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.der").write_bytes(b"0\x82\xff")
    done = await run(tmp_path, "app-secret", "private-key", "key.der", environ={})
    assert (done.returncode, done.stderr) == (2, "bridge: key.der is not a text file: nothing was changed\n")


async def test_without_an_app_the_command_says_where_one_is_made(redis_url: str, tmp_path: Path) -> None:
    async with open_app_house(redis_url) as house:
        status, said = await told(house, redis_url, tmp_path, "client-secret", NEW)
        assert (status, "/github/manifest" in said) == (1, True)
