"""Mail on the wire: what the server gets, and what no text and no server can make of it."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.urls import is_mail_address
from bridge.inbox.notifications.mail import Mail, MailFailed, MailServer, compose
from scripts.sandbox.mail_server import Mailbox, mail_server
from tests.kits.push import tls

LINK = f"https://bridge.example.com/inbox/mail/unsubscribe/{'x' * 300}"
MAIL = Mail(
    to="bob@example.com", subject="2 threads wait for you", text="Zoë: look", html="<p>Zoë: look</p>",
    unsubscribe=LINK, name="digest.1002.1",
)  # fmt: skip
SENDER = "bridge@example.com"


@pytest.fixture
async def there() -> AsyncIterator[tuple[Mailbox, MailServer]]:
    async with mail_server() as (box, port):
        yield box, MailServer(url=f"smtp://127.0.0.1:{port}", sender=SENDER)


async def test_a_mail_arrives_with_both_bodies_and_one_click_to_end_it(
    there: tuple[Mailbox, MailServer],
) -> None:
    box, server = there
    await server.send(MAIL)
    [mail] = box.mails
    plain, rich = mail.iter_parts()
    assert (plain.get_content_type(), plain.get_content()) == ("text/plain", "Zoë: look\r\n")
    assert (rich.get_content_type(), rich.get_content()) == ("text/html", "<p>Zoë: look</p>\r\n")
    assert (mail["To"], mail["From"]) == ("bob@example.com", f"bridge inbox <{SENDER}>")
    assert mail["Message-ID"] == "<digest.1002.1@example.com>"
    assert box.recipients == [["bob@example.com"]]
    # As it is written, for programs that decode nothing in it.
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in box.raw[0]
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in box.raw[0]


async def test_the_error_names_the_code_that_the_mail_server_answered(
    there: tuple[Mailbox, MailServer],
) -> None:
    box, server = there
    box.answers = ["451 later", "554 no: s3cret"]
    for code in (451, 554):
        with pytest.raises(MailFailed, match=f"it answered {code}$"):
            await server.send(MAIL)
    with pytest.raises(MailFailed, match="SMTPConnectError"):
        await MailServer(url="smtp://127.0.0.1:9", sender=SENDER).send(MAIL)
    assert box.mails == []


async def test_a_password_goes_over_tls_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with mail_server() as (box, port):
        with pytest.raises(MailFailed):
            await MailServer(url=f"smtp://bridge:p%40ss@127.0.0.1:{port}", sender=SENDER).send(MAIL)
        assert box.mails == [], "it offers no TLS, so nothing is sent"
    contexts = tls("127.0.0.1")
    async with mail_server(tls=contexts.server) as (box, port):
        with pytest.raises(MailFailed):
            await MailServer(url=f"smtp://bridge:p%40ss@127.0.0.1:{port}", sender=SENDER).send(MAIL)
        assert box.mails == [], "its certificate is unknown"
        # The control: over TLS that counts, the password goes.
        monkeypatch.setenv("SSL_CERT_FILE", str(contexts.certificate))
        await MailServer(url=f"smtp://bridge:p%40ss@127.0.0.1:{port}", sender=SENDER).send(MAIL)
        with pytest.raises(MailFailed, match="535"):
            await MailServer(url=f"smtp://bridge:wrong@127.0.0.1:{port}", sender=SENDER).send(MAIL)
        assert len(box.mails) == 1


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["to", "subject", "unsubscribe", "name"]))
def test_no_text_ends_a_header(text: str, where: str) -> None:
    fields = {"to": "bob@example.com", "subject": "x", "text": "x"} | {where: f"a{text}"}
    try:
        raw = compose(Mail(**fields), sender=SENDER).as_bytes()
    except (ValueError, IndexError):
        return
    names = [
        line.partition(b":")[0] for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] != b" "
    ]
    known = {b"From", b"To", b"Subject", b"Date", b"Auto-Submitted", b"Message-ID", b"MIME-Version"}
    known |= {b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Content-Type", b"Content-Transfer-Encoding"}
    assert set(names) <= known


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        *((one, True) for one in ("a@b.example", "a+b.c@mail.b.example", "o'neil@b.example", "a@b")),
        *(
            (one, False)
            for one in ("", "a", "@b.example", "a@", "a@b@c.example", "a b@c.example", "a@b..example")
        ),
        *((one, False) for one in ("a@-b.example", "a@b.example.", '"a b"@c.example', "Ann <a@b.example>")),
        *(
            (one, False)
            for one in ("a@b.example\n", "a@b.example\r\nBcc: x@y", "a@b.example,c@d.example", "ä@b.example")
        ),
        ("a@" + "b." * 95 + "example", False),
        ("a" * 65 + "@b.example", False),
    ],
)
def test_an_address_is_one_mailbox_and_nothing_else(text: str, is_one: bool) -> None:
    assert is_mail_address(text) is is_one
