"""A stand-in push service on a socket of its own, and a session that finds it by a public name, as https."""

import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from scripts.sandbox.push_service import PushService

HOST = "push.example.net"
_KEPT = TemporaryDirectory(prefix="bridge-tests-")
FOLDER = Path(_KEPT.name)


class Contexts(NamedTuple):
    """TLS for both ends of a connection to `HOST`."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    certificate: Path
    """In a file, as OpenSSL's SSL_CERT_FILE names it."""


@cache
def tls(host: str = HOST) -> Contexts:
    """A certificate of its own for a host, made once a process."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
    )
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
            x509.SubjectAlternativeName(
                [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    both, alone = FOLDER / f"{host}-both.pem", FOLDER / f"{host}.pem"
    both.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    alone.write_bytes(pem)
    server.load_cert_chain(both)
    return Contexts(server, ssl.create_default_context(cadata=pem.decode()), alone)


class Names(AbstractResolver):
    """Finds every name at one port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """As DNS would answer for a public host."""
        del port
        there = ResolveResult(
            hostname=host, host="127.0.0.1", port=self._port, family=family, proto=0, flags=0
        )
        return [there]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def push_service() -> AsyncIterator[tuple[PushService, aiohttp.ClientSession]]:
    """The service, and the session whose owner is to use and to close it."""
    service = PushService(url=f"https://{HOST}")
    async with AsyncExitStack() as closing:
        listener = closing.enter_context(socket.create_server(("127.0.0.1", 0)))
        runner = web.AppRunner(service.create_app(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        closing.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener, ssl_context=tls().server).start()
        connector = aiohttp.TCPConnector(resolver=Names(listener.getsockname()[1]), ssl=tls().client)
        yield service, aiohttp.ClientSession(connector=connector)


def bridges(number: int, *, turn: int = 0, login: str = "", since: int = 1) -> dict[str, object]:
    """A thread's member `bridge`: a pull request of Cy's whose turn is that of the person with this id."""
    people = [{"id": turn, "login": login, "since": since}] if turn else []
    cy = {"id": 1003, "login": "cy"}
    whose = {"kind": "review", "who": login or "checks", "why": "to review", "since": since, "people": people}
    return {"repository": "acme/component", "number": number, "author": cy, "people": [cy], "turn": whose}
