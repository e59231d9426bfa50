"""The words of notifications."""

from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads import markup
from bridge.inbox.threads.stored import InboxThread, StoredMessage
from bridge.inbox.views import entry, number_of


def title_of(thread: InboxThread) -> str:
    """Return a thread's number and title."""
    return " ".join(f"{number_of(thread)} {markup.plain(thread.state['title'])}".split())


def said_in(message: StoredMessage, reader: InboxPerson, writer: InboxPerson | None) -> tuple[str, str]:
    """Return the author of a message, and its words in one line."""
    shown = entry(message, reader, writer)
    said = shown.text or markup.plain(str(shown.body)) or markup.plain(str(shown.title))
    return shown.author, " ".join(said.split())
