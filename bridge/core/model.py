"""The words that the parts share: frozen, plain, free of I/O."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import msgspec
import orjson

from bridge.core.options import Options
from bridge.core.printable import printable

MAX_LOGIN = 100
"""Characters kept of a login: GitHub's are at most 39 long, those of apps a little longer."""

Payload = dict[str, Any]
"""A webhook's JSON object, as GitHub documents it for its event."""


Signer = Literal["operator", "repository"]
"""The owner of a delivery's secret: the operator's and the GitHub App's speak for any repository, that of a
webhook made by bridge for one."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A verified webhook delivery, not opened yet: `id` is GitHub's GUID."""

    id: str
    event: str
    body: bytes
    """The payload's JSON as it came: what the queue keeps."""
    signer: Signer = "repository"
    signature: str = ""
    """The HMAC in hex; empty for a delivery of bridge's own making."""

    def __repr__(self) -> str:
        """Omit the body."""
        return f"{type(self).__name__}(id={self.id!r}, event={self.event!r})"


class Delivery(Envelope, frozen=True, kw_only=True, dict=True):
    """A verified webhook delivery, read whole: `payload` is the parsed JSON."""

    payload: Payload

    @classmethod
    def of(cls, delivery_id: str, event: str, payload: Payload) -> "Delivery":
        """Make a delivery of bridge's own."""
        return cls(id=delivery_id, event=event, payload=payload, body=orjson.dumps(payload))

    @cached_property
    def action(self) -> str:
        """The payload's action, empty for events that have none."""
        action = self.payload.get("action")
        return action if isinstance(action, str) else ""

    @cached_property
    def sender(self) -> str:
        """The login that GitHub names for the event, empty if it names none."""
        sender = self.payload.get("sender")
        login = sender.get("login") if isinstance(sender, dict) else None
        return printable(login[:MAX_LOGIN]) if isinstance(login, str) else ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A problem that keeps a connection from working, worded for its flow; `kind` names the part at fault."""

    kind: Literal["hook", "repository", "account", "deliveries"]
    text: str
    since: int
    """Unix seconds."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A repository tied to a flow: messages about it go out with this source's flow token.

    `repository` is its full name when it was connected and, by its last part, names the threads for
    good; `repository_id` is GitHub's number, known from the first delivery on.
    """

    id: str
    repository: str
    repository_id: int | None
    name: str
    flow_token: str = field(repr=False)
    created_at: int
    """Unix seconds."""
    options: Options = field(default_factory=Options)
    flow: str = ""
    """`organization/flow`; empty where the flow token was made by hand and nobody told."""
    source_id: str = ""
    installer: str = ""
    """The Flowdock user who connected it: the webhook is managed with the GitHub account they linked.

    Empty where nobody does: it was connected by command, or an administrator was asked to (`hook_by`)."""
    hook_id: int | None = None
    """GitHub's webhook; None where it is the operator's, made by hand, or comes with a GitHub App."""
    hook_by: str = ""
    """The GitHub login of the administrator who was handed the link to connect it; empty without one."""
    paused: bool = False
    problem: Problem | None = None

    def thread_id(self, number: int) -> str:
        """Return the external thread id of a pull request, such as `github:component:pr:42`."""
        return f"github:{self.repository.partition('/')[2]}:pr:{number}"


class Author(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The author that Flowdock shows beside a message."""

    name: str
    avatar: str = ""


class Mention(msgspec.Struct, frozen=True, array_like=True):
    """A GitHub account to tag: by its id, or by its login alone (`id` 0) where only a text names it."""

    login: str
    id: int = 0
    unless_by_login: bool = False
    """An earlier message tagged the login: an account that still has it is not tagged again."""


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message to a flow; `title` is HTML with links only, `body` safe HTML."""

    event: Literal["activity", "discussion"]
    title: str
    author: Author
    body: str = ""
    mentions: tuple[Mention, ...] = ()
    """Those with a linked account become their Flowdock users' tags when it is posted."""


def path_of(full_name: str, number: int) -> str:
    """Return the common path of the addresses of a pull request's actions."""
    return f"/repos/{full_name}/pulls/{number}/"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The target of a click: a pull request and the action's slug."""

    owner: str
    repo: str
    number: int
    action: str

    @property
    def path(self) -> str:
        """The path of the UpdateAction's address."""
        return path_of(f"{self.owner}/{self.repo}", self.number) + self.action

    def __str__(self) -> str:
        """Return the form that people write: `acme/component#42`."""
        return f"{self.owner}/{self.repo}#{self.number}"


@dataclass(frozen=True, kw_only=True)
class GitHubToken:
    """A user's token; the times are Unix seconds, None for a token that does not expire."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: int | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Administrator:
    """Somebody who administers a repository on GitHub and lends bridge a token, to connect it once."""

    login: str
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class GitHubUser:
    """A GitHub account: `id` identifies it, `login` may change."""

    id: int
    login: str
    avatar: str = ""


@dataclass(frozen=True, kw_only=True)
class FlowdockUser:
    """A Flowdock account; `id` is a string everywhere (the API sends a number, the token a string)."""

    id: str
    nick: str
    name: str
    avatar: str = ""


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A flow as Flowdock shows it to one of its members; `path` is `organization/flow`."""

    id: str
    path: str
    name: str
    web_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A flow's source: Flowdock shows its flow token only when it is made."""

    id: str
    flow: str
    flow_token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """An action done or tried on GitHub in a person's name; `at` in Unix seconds."""

    at: int
    action: str
    on: str
    outcome: str
    """The sentence that the person was answered with."""
    done: bool


@dataclass(frozen=True, kw_only=True)
class LinkedAccount:
    """The GitHub account that a Flowdock user acts as, with its token."""

    flowdock: FlowdockUser
    github: GitHubUser
    token: GitHubToken
    linked_at: int
