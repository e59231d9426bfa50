"""A stand-in mail server: it keeps what it takes, and takes passwords over TLS alone."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(kw_only=True)
class Mailbox:
    """Everybody's mail, and how the server answers."""

    login: tuple[str, str] = ("bridge", "p@ss")
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """Answers to give first, in place of taking a message."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Take a message, as aiosmtpd asks."""
        if self.answers:
            return self.answers.pop(0)
        raw = cast(bytes, envelope.content)
        self.raw.append(raw)
        self.mails.append(message_from_bytes(raw, policy=default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"

    def authenticate(
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,  # noqa: ARG002
        mechanism: str,  # noqa: ARG002
        data: object,
    ) -> AuthResult:
        """Tell whether a login is right, as aiosmtpd asks."""
        given = data if isinstance(data, LoginPassword) else LoginPassword(b"", b"")
        is_right = (given.login.decode(), given.password.decode()) == self.login
        return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def mail_server(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Mailbox, int]]:
    """Listen on a port of this machine; with `tls`, everybody has to log in, encrypted."""
    box = Mailbox()

    def protocol() -> SMTP:
        return SMTP(
            box,
            hostname="localhost",
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=tls is not None,
            authenticator=box.authenticate,
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    async with server:
        yield box, server.sockets[0].getsockname()[1]
