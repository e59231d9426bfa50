"""The inbox as its routes find it in the application."""

from dataclasses import dataclass, field

from aiohttp import ClientSession, web

from bridge.core.budgets import InboxBounds
from bridge.inbox.flows.flows import FlowStore, TeamFlow
from bridge.inbox.flows.readers import Readers
from bridge.inbox.flows.sources import SourceStore
from bridge.inbox.people.api_tokens import ApiTokenStore
from bridge.inbox.people.grants import GrantStore
from bridge.inbox.people.people import InboxPerson, PeopleStore
from bridge.inbox.threads.changes import MessageChanges
from bridge.inbox.threads.feed import Feed
from bridge.inbox.threads.lists import ListStore
from bridge.inbox.threads.marks import MarkStore
from bridge.inbox.threads.messages import MessageStore
from bridge.storage.redis import Redis

PAGES = "/inbox"
API = f"{PAGES}/api"


@dataclass(kw_only=True)
class Inbox:
    """The inbox's stores, and the one application that is registered with it."""

    redis: Redis
    http: ClientSession
    web_url: str
    """The inbox's own public address."""
    application_url: str
    """The public address of its application, bridge: the same where bridge serves both."""
    client_id: str
    client_secret: str = field(repr=False)
    readers: Readers | None = None
    """The check of flows for readers of a repository; without it, nobody sees them."""
    bounds: InboxBounds = field(default_factory=InboxBounds)

    def __post_init__(self) -> None:
        self.people = PeopleStore(self.redis)
        self.flows = FlowStore(self.redis, self.readers)
        self.sources = SourceStore(self.redis)
        self.messages = MessageStore(redis=self.redis, bounds=self.bounds)
        self.changes = MessageChanges(redis=self.redis, bounds=self.bounds)
        self.marks = MarkStore(redis=self.redis)
        self.lists = ListStore(self.redis)
        self.feed = Feed(self.redis, self.messages)
        self.api_tokens = ApiTokenStore(self.redis)
        self.grants = GrantStore(self.redis)

    async def members(self, *flows: TeamFlow) -> list[InboxPerson]:
        """Return the people in any of these flows, by nick."""
        ids = set[int]().union(*[await self.flows.members(one.id) for one in flows])
        found = await self.people.get_many(ids)
        return sorted(found.values(), key=lambda one: one.nick.lower())

    @property
    def api_url(self) -> str:
        """Return the base of the API's addresses."""
        return f"{self.web_url}{API}"

    @property
    def redirect_uri(self) -> str:
        """Return the one address that OAuth sends codes to."""
        return f"{self.application_url}/auth/flowdock/callback"


INBOX = web.AppKey("inbox", Inbox)
