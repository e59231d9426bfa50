"""All names of the inbox's keys in Redis. Those of one atomic step share a hash tag, as in bridge's own."""

from typing import Literal, get_args

PEOPLE = "inbox:{people}:people"
"""Hash: a person's id → who they are, as JSON."""
NICKS = "inbox:{people}:nicks"
"""Hash: a nick in lower case → the id of the person who has it."""
OWNERS = "inbox:{people}:owners"
"""Set: the ids of the owners."""
SEEN = "inbox:{people}:seen"
"""Hash: a person's id → when they last asked for something."""
MEMBERS = "inbox:{people}:members"
"""Hash: the id of a person let in by an organization → the last time that GitHub called them a member."""
BARRED = "inbox:{people}:barred"
"""Set: ids of people whom an owner removed: only an invitation lets them in again."""
LEAVING = "inbox:{people}:leaving"
"""Set: ids of people who were removed and are still in flows."""
INVITATIONS = "inbox:{people}:invitations"
"""Sorted set: the names of open invitations, by their end."""

VAPID = "inbox:{people}:vapid"
"""The private key by which push services know bridge, encrypted."""

ListName = Literal["unread", "unread-counts", "mine", "turn", "review", "returned", "ready", "waiting"]
SECTIONS: tuple[ListName, ...] = ("review", "returned", "ready", "waiting")
"""The lists that *My turn* shows."""
Triage = Literal["done", "snoozed", "muted"]
TRIAGE: tuple[Triage, ...] = get_args(Triage)

DIGESTS = "inbox:{people}:digests"
"""Sorted set: people who get a digest by mail, by the time of the next one."""
DIGEST_NOTES = "inbox:{people}:digest-notes"
"""Hash: a person → failed attempts at the digest that is due."""

Personal = Literal[
    "sessions", "github", "rights", "tokens", "token-uses", "notify", "browsers", "mail", "reads"
]
PERSONAL: tuple[Personal, ...] = get_args(Personal)
"""Kinds of keys that are about one person alone: all of them go with the person, in one step."""


def personal(kind: Personal, person_id: int) -> str:
    """Return the key of one kind about one person.

    `sessions`: hash, the hash of a cookie's secret → when it began, when it was last used, by which browser.
    `github`: the token to ask GitHub with, encrypted. `rights`: a token that linking may take over, likewise.
    `tokens`: hash, the hash of an API token → what it is called and may do. `token-uses`: hash, its last use.
    `reads`: hash, a repository's id → when GitHub last said that they can read it, negative for a no.
    `notify`: when they want to be notified. `browsers`: hash, a session's name → the push subscription of its
    browser. `mail`: the digest by mail: where to, and when.
    """
    return f"inbox:{{people}}:{kind}:{person_id}"


# Flows, sources, threads and messages: a step over them is atomic on a Redis Cluster too.
_INBOX = "inbox:{main}:"

FLOWS = f"{_INBOX}flows"
"""Hash: a flow's id → the flow."""
ENDING = f"{_INBOX}ending"
"""Hash: the id of a flow that is to be deleted once its connections have ended → the flow, and by whom."""
DELETING = f"{_INBOX}deleting"
"""Hash: the id of a flow that is being deleted → likewise."""
FLOW_PATHS = f"{_INBOX}flow-paths"
"""Hash: `organization/flow` → the flow's id."""
SOURCES = f"{_INBOX}sources"
"""Hash: a source's id → the source; of those that were removed, the newest."""
SOURCE_TOKENS = f"{_INBOX}source-tokens"
"""Hash: the hash of a flow token → its source's id."""
LAST_SOURCE = f"{_INBOX}last-source"
"""The newest source's id."""
LAST_MESSAGE = f"{_INBOX}last-message"
"""The newest message's id, over all flows."""
NEWS = f"{_INBOX}news"
"""Stream: the flows that have had news, the newest last: what live pages wait for."""
NOTIFICATIONS = f"{_INBOX}notifications"
"""Sorted set: notifications that wait, as `person:flow:thread`, by the time at which they are due."""
NOTIFICATION_NOTES = f"{_INBOX}notification-notes"
"""Hash: a notification → the message that causes it, and why."""
LISTS = _INBOX
"""The beginning of the keys of people's lists, and of what they marked as done, snoozed or muted."""
MENTIONS = f"{_INBOX}calls:"
THREAD = f"{_INBOX}thread:"
ENTRIES = f"{_INBOX}entries:"
EDITED = f"{_INBOX}edited:"
THREAD_PARTS = (THREAD, ENTRIES, EDITED)
"""The beginnings of all keys of a thread: they go together."""
SWEEPER = "inbox:sweeper"
"""Lock: removes what is over its bounds, and finishes deletions."""


def flows_of(person_id: int) -> str:
    """Set: the flows that a person is in."""
    return f"{_INBOX}flows-of:{person_id}"


def members(flow_id: str) -> str:
    """Set: the people in a flow."""
    return f"{_INBOX}members:{flow_id}"


def flow_sources(flow_id: str) -> str:
    """Set: a flow's sources that were not removed."""
    return f"{_INBOX}flow-sources:{flow_id}"


def removed_sources(flow_id: str) -> str:
    """Sorted set: the newest of a flow's removed sources, by the time of their removal."""
    return f"{_INBOX}removed-sources:{flow_id}"


def messages(flow_id: str) -> str:
    """Stream: a flow's messages, each as the thread that holds it."""
    return f"{_INBOX}messages:{flow_id}"


def threads(flow_id: str) -> str:
    """Sorted set: a flow's threads by their newest message."""
    return f"{_INBOX}threads:{flow_id}"


def open_threads(flow_id: str) -> str:
    """Sorted set: a flow's threads that are not done, likewise."""
    return f"{_INBOX}open:{flow_id}"


def usage(flow_id: str) -> str:
    """Hash: how many bytes a flow's threads take."""
    return f"{_INBOX}usage:{flow_id}"


def thread(thread_id: str) -> str:
    """Hash: a thread's state, counters and newest message."""
    return f"{THREAD}{thread_id}"


def edited(thread_id: str) -> str:
    """Hash: the id of a message that its author changed → the message, in place of the one in the stream."""
    return f"{EDITED}{thread_id}"


def entries(thread_id: str) -> str:
    """Stream: a thread's messages."""
    return f"{ENTRIES}{thread_id}"


def uuids(flow_id: str) -> str:
    """Sorted set: the hashes of the newest senders' uuids that a flow took, by their messages."""
    return f"{_INBOX}uuids:{flow_id}"


def of_flow(flow_id: str) -> tuple[str, ...]:
    """Return all keys about one flow alone, but for its threads' own."""
    named = (members, flow_sources, removed_sources, messages, threads, open_threads, usage, uuids)
    return tuple(key(flow_id) for key in named)


def of_messages(flow_id: str) -> list[str]:
    """Return a flow's keys that its messages change, in the order of `accept.lua`."""
    return [
        *(LAST_MESSAGE, uuids(flow_id), threads(flow_id), open_threads(flow_id), messages(flow_id)),
        *(NEWS, usage(flow_id), FLOWS, ENDING),
        *(NOTIFICATIONS, NOTIFICATION_NOTES, members(flow_id)),
    ]


def grant(kind: str, hashed: str) -> str:
    """The consent behind a code or token, by its hash."""
    return f"{_INBOX}{kind}:{hashed}"


def asking(person_id: int) -> str:
    """Lock: asks GitHub whether a person is still a member, and renews the token for it."""
    return f"inbox:{{people}}:asking:{person_id}"


def invitation(name: str) -> str:
    """Return the key of an invitation, by the hash of its link's secret."""
    return f"inbox:{{people}}:invitation:{name}"


def read_marks(person_id: int) -> str:
    """Sorted set: the threads that a person has read, by the last message they saw."""
    return f"{_INBOX}read:{person_id}"


def personal_list(kind: ListName, flow_id: str, person_id: int) -> str:
    """Sorted set: a flow's threads on one of a person's lists, by their newest message.

    `unread-counts` is a hash instead: how many messages are unread in each thread. The lists from `mine` on
    are of anybody whom bridge names in a thread, in the inbox or not.
    """
    return f"{LISTS}{kind}:{flow_id}:{person_id}"


def unread(flow_id: str, person_id: int) -> tuple[str, str]:
    """Return the keys of a flow's unread threads, and of the number of unread messages in each."""
    return personal_list("unread", flow_id, person_id), personal_list("unread-counts", flow_id, person_id)


def triaged(kind: Triage, person_id: int) -> str:
    """Sorted set: threads that a person marked, by the time; `snoozed` ones by the time of their return."""
    return f"{LISTS}{kind}:{person_id}"


def mentions(person_id: int) -> str:
    """Sorted set: the threads in which a person was mentioned, by the newest message that does."""
    return f"{MENTIONS}{person_id}"


def confirmations(person_id: int) -> str:
    """The number of mails that asked a person to confirm an address today."""
    return f"inbox:{{people}}:confirmations:{person_id}"


def outcome(person_id: int, name: str) -> str:
    """The outcome of a form, for the person's next page."""
    return f"{_INBOX}outcome:{person_id}:{name}"
