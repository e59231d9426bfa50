"""bridge as Heroku starts it: Procfile, app.json, PORT, SIGTERM, and a Redis behind a self-signed TLS."""

import asyncio
import datetime
import ipaddress
import json
import re
import shlex
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.exceptions import ConnectionError as RedisConnectionError

from bridge import __version__, settings
from bridge.core.model import FlowdockUser, GitHubToken, GitHubUser, LinkedAccount
from bridge.core.security.encryption import Vault
from bridge.storage.accounts import AccountStore
from bridge.storage.client import connect_redis
from scripts.sandbox.house import House, open_house, until
from tests.kits import loaded, sign

ROOT = Path(__file__).parents[2]
APP = json.loads((ROOT / "app.json").read_text())
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def module(process: str) -> list[str]:
    """The arguments of a Procfile's `python -m …` line."""
    python, dash_m, *arguments = shlex.split(PROCFILE[process])
    assert (python, dash_m) == ("python", "-m")
    return arguments


def test_app_json_asks_for_every_setting_that_bridge_needs() -> None:
    with pytest.raises(settings.SettingsError) as missing:
        settings.read({})
    needed = {re.match(r"[A-Z_]+", problem)[0] for problem in missing.value.problems}  # type: ignore[index]
    assert needed <= APP["env"].keys()
    for name in ("GITHUB_WEBHOOK_SECRET", "COOKIE_SECRET", "ENCRYPTION_KEY"):
        assert APP["env"][name]["generator"] == "secret"
    assert APP["success_url"].startswith("/")
    assert any("heroku-redis" in addon["plan"] for addon in APP["addons"])
    assert APP["formation"].keys() == {"web", "worker"} <= PROCFILE.keys()


def test_the_buttons_generated_settings_are_valid() -> None:
    left_empty = {"GITHUB_APP", "FLOWDOCK_API_URL", "FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET"}
    made_up = {name: "f" * 64 for name in APP["env"] if name not in left_empty}
    given = {name: entry["value"] for name, entry in APP["env"].items() if "value" in entry}
    environ = made_up | given | {"WEB_URL": "https://x.herokuapp.com/"}
    assert settings.read(environ).web_url == "https://x.herokuapp.com"
    assert settings.read(environ).inbox
    del environ["WEB_URL"]
    assert (
        settings.read({**environ, "HEROKU_APP_DEFAULT_DOMAIN_NAME": "y.herokuapp.com"}).web_url
        == "https://y.herokuapp.com"
    )


async def test_the_release_phase_checks_the_settings(tmp_path: Path) -> None:
    async with open_house(tmp_path, popen=loaded.Process) as house:
        arguments = module("release")
        assert "fine" in await house.command(*arguments[1:])
        house.settings["ENCRYPTION_KEY"] = "short"
        with pytest.raises(Exception, match="ENCRYPTION_KEY is too short"):
            await house.command(*arguments[1:])


async def test_web_and_worker_run_as_the_procfile_says_and_drain_on_sigterm(
    tmp_path: Path, redis_url: str
) -> None:
    with (tmp_path / "log").open("wb") as log:
        async with open_house(
            tmp_path, settings={"REDIS_URL": redis_url}, output=log, popen=loaded.Process
        ) as house:
            # As Heroku does: loaded anew.
            house.popen = subprocess.Popen
            # Heroku's Python buildpack sets it by the dyno's memory.
            web = house.start(*module("web"), WEB_CONCURRENCY="2")
            worker = house.start(*module("worker"))
            await house.answers(f"{house.bridge}/readyz")
            await house.connect()
            await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
            assert await until(house.threads, "no thread appeared")
            # A click is under way when the dyno is told to stop: it is finished and answered.
            clicking = asyncio.create_task(slow_click(house))
            await until(lambda: calls(house), "GitHub was not called")
            web.send_signal(signal.SIGTERM)
            worker.send_signal(signal.SIGTERM)
            assert await clicking == 401
            assert await asyncio.to_thread(web.wait, 25) == 0
            assert await asyncio.to_thread(worker.wait, 25) == 0
    started = set(
        re.findall(
            r'"command":"(\w+)","version":"([^"]+)","event":"starting"', (tmp_path / "log").read_text()
        )
    )
    assert {("web", __version__), ("worker", __version__)} <= started


async def slow_click(house: House) -> int:
    """A click of a linked account whose token GitHub refuses, a second late."""
    redis = connect_redis(house.settings["REDIS_URL"])
    account = LinkedAccount(
        flowdock=FlowdockUser(id="1001", nick="ann", name="Ann"),
        github=GitHubUser(id=1001, login="ann-gh"),
        token=GitHubToken(access="gho_unknown", scopes=("repo",)),
        linked_at=0,
    )
    await AccountStore(redis, Vault([house.environ["ENCRYPTION_KEY"]])).link(account)
    await redis.aclose()
    await redis.connection_pool.disconnect()
    await house.post(f"{house.github}/_sandbox/faults", {"path": "/api/v3/.*", "delay": 1})
    url = f"{house.bridge}/repos/acme/component/pulls/1/close"
    body = sign.action_body(url)
    headers = {"FLOWDOCK-TOKEN": sign.flowdock_token(body)}
    async with house.http.post(url, data=body, headers=headers) as response:
        return response.status


async def calls(house: House) -> bool:
    """Tell whether the slow call has begun: its fault is used up."""
    async with house.http.get(f"{house.github}/_sandbox/faults") as response:
        return bool([one for one in await response.json() if one["times"] == 0])


@asynccontextmanager
async def tls_in_front_of(redis_url: str, folder: Path) -> AsyncIterator[int]:
    """A port that speaks TLS with a certificate nobody signed, in front of a Redis on a unix socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(folder / "redis.pem"))

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_redis = await asyncio.open_unix_connection(redis_url.removeprefix("unix://"))
        pumps = [pump(reader, with_redis[1]), pump(with_redis[0], writer)]
        await asyncio.gather(*pumps, return_exceptions=True)

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


def self_signed(pem: Path) -> Path:
    """Write a key and its certificate to one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return pem


@pytest.mark.parametrize("on_a_dyno", [True, False])
async def test_a_self_signed_redis_is_trusted_on_a_dyno_alone(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_a_dyno: bool
) -> None:
    monkeypatch.delenv("DYNO", raising=False)
    if on_a_dyno:
        monkeypatch.setenv("DYNO", "web.1")
    async with tls_in_front_of(redis_url, tmp_path) as port:
        redis = connect_redis(f"rediss://127.0.0.1:{port}/0")
        try:
            if on_a_dyno:
                assert await redis.ping()
            else:
                with pytest.raises(RedisConnectionError, match="certificate"):
                    await redis.ping()
        finally:
            await redis.aclose()
            await redis.connection_pool.disconnect()
