"""Mail: messages for one person, given to the operator's mail server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bridge.core.errors import BridgeError

if TYPE_CHECKING:
    from aiosmtplib import SMTP

PATIENCE = 20
_PORTS = {"smtp": 587, "smtps": 465}
_POLICY = SMTP_POLICY.clone(max_line_length=998)
"""With shorter lines, Python would encode the addresses of links in headers, and nobody could follow them."""


class MailFailed(BridgeError):
    """The mail server did not take a message."""

    status = 502
    advice = "Try again later. If this goes on, tell the operator of bridge."


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A message; `unsubscribe` is the address for one click (RFC 8058), `name` that of the message itself."""

    to: str
    subject: str
    text: str
    html: str = ""
    unsubscribe: str = ""
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """The operator's server at `url`; it sends from `sender`. Without `url`, there is no mail."""

    url: str = field(repr=False)
    sender: str

    async def send(self, mail: Mail) -> None:
        """Send a message; raises `MailFailed`."""
        raw = compose(mail, sender=self.sender).as_bytes(policy=_POLICY)
        async with self._connected() as client:
            await client.sendmail(self.sender, [mail.to], raw)

    async def reach(self) -> None:
        """Log in at the server, and send nothing; raises `MailFailed`."""
        async with self._connected():
            pass

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator["SMTP"]:
        # Loaded by the first mail: most processes send none.
        import aiosmtplib

        parts = urlsplit(self.url)
        user = unquote(parts.username or "") or None
        client = aiosmtplib.SMTP(
            hostname=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            username=user,
            password=unquote(parts.password or "") or None,
            use_tls=parts.scheme == "smtps",
            # A password is sent encrypted or not at all.
            start_tls=None if parts.scheme == "smtps" or not user else True,
            timeout=PATIENCE,
        )
        try:
            async with client:
                yield client
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            code = getattr(error, "code", None)
            reason = f"it answered {code}" if code else type(error).__name__
            raise MailFailed(f"the mail server did not accept the message: {reason}") from None


def compose(mail: Mail, *, sender: str) -> EmailMessage:
    """Write a message; raises `ValueError` for a header with a line break."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = f"bridge inbox <{sender}>"
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = formatdate()
    message["Auto-Submitted"] = "auto-generated"
    if mail.name:
        message["Message-ID"] = f"<{mail.name}@{sender.rpartition('@')[2]}>"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    return message
