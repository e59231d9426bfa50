"""The inbox as its routes find it in the application."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property

from aiohttp import ClientSession, web

from bridge.core.budgets import InboxBounds
from bridge.inbox.api_tokens import ApiTokenStore
from bridge.inbox.changes import MessageChanges
from bridge.inbox.desks import DeskStore
from bridge.inbox.feed import Feed
from bridge.inbox.flows import FlowStore
from bridge.inbox.grants import GrantStore
from bridge.inbox.marks import MarkStore
from bridge.inbox.messages import MessageStore
from bridge.inbox.people import PeopleStore
from bridge.inbox.readers import Readers
from bridge.inbox.sources import SourceStore
from bridge.storage.redis import Redis

PAGES = "/inbox"
API = f"{PAGES}/api"


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """The inbox's stores, each made on first use, and the one application that is registered with it."""

    redis: Redis
    http: ClientSession
    web_url: str
    """The inbox's own public address."""
    application_url: str
    """The public address of its application, bridge: the same where bridge serves both."""
    client_id: str
    client_secret: str = field(repr=False)
    readers: Readers | None = None
    """The check of flows that are bound to a repository; without it, nobody sees them."""
    bounds: InboxBounds = field(default_factory=InboxBounds)
    joined: Callable[[str, int], Awaitable[None]] | None = None
    """Called with a flow's path and the id of a person who joins it: bridge tags them there from then on."""

    @property
    def api_url(self) -> str:
        """Return the base of the API's addresses."""
        return f"{self.web_url}{API}"

    @property
    def redirect_uri(self) -> str:
        """Return the one address that OAuth sends codes to."""
        return f"{self.application_url}/auth/flowdock/callback"

    @cached_property
    def people(self) -> PeopleStore:
        """Everybody who may sign in."""
        return PeopleStore(self.redis)

    @cached_property
    def flows(self) -> FlowStore:
        """Flows and their members."""
        return FlowStore(self.redis, self.readers)

    @cached_property
    def sources(self) -> SourceStore:
        """Sources of flows."""
        return SourceStore(self.redis)

    @cached_property
    def messages(self) -> MessageStore:
        """Messages and threads."""
        return MessageStore(redis=self.redis, bounds=self.bounds)

    @cached_property
    def changes(self) -> MessageChanges:
        """Changes of people's own messages."""
        return MessageChanges(redis=self.redis, bounds=self.bounds)

    @cached_property
    def marks(self) -> MarkStore:
        """Reading marks."""
        return MarkStore(redis=self.redis)

    @cached_property
    def desks(self) -> DeskStore:
        """Desks and shelves of people."""
        return DeskStore(self.redis)

    @cached_property
    def feed(self) -> Feed:
        """Live updates."""
        return Feed(self.redis, self.messages)

    @cached_property
    def api_tokens(self) -> ApiTokenStore:
        """API tokens that people made."""
        return ApiTokenStore(self.redis)

    @cached_property
    def grants(self) -> GrantStore:
        """OAuth's codes and tokens."""
        return GrantStore(self.redis)


INBOX = web.AppKey("inbox", Inbox)
