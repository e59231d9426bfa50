"""Set up a flow: connect the chosen repositories one by one, and store the results.

A repository that the user does not administer gets a link for an administrator. Connecting goes on if the
browser leaves. The results are stored for some days. If the process ends, unfinished lines can be retried.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import msgspec
import structlog

from bridge.clients.github_repositories import Repository
from bridge.clients.github_webhooks import RepositoryWebhooks
from bridge.connections.connect import ConnectRequest, ConnectService
from bridge.connections.handover_requests import Handovers
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import BridgeError, NotLinked, RateLimited, RequestRefused, SignedOut
from bridge.core.model import Flow, FlowdockUser
from bridge.core.options import Options
from bridge.storage.one_time import OneTimeStore

MOST = 20
"""Repositories at once: GitHub's secondary limits ask for few writes, one after the other."""

KEPT_SECONDS = 4 * 24 * 3600
"""A day longer than the links that it shows."""

INTERRUPTED_SECONDS = 150
"""After this long without a step the process that worked on it is gone."""

LINK_FIRST = "Choose “Connect more repositories” below to link your GitHub account."

_KIND = "setup"

log = structlog.get_logger()


class NotThere(RequestRefused):
    """A chosen repository cannot be connected."""

    status = 409
    advice = "Choose it from the list again."


@dataclass(frozen=True, kw_only=True)
class Line:
    """The state of one repository; `since` (Unix seconds) is when its connecting began, 0 before."""

    repository_id: int
    full_name: str
    url: str
    state: Literal["waiting", "connected", "asked", "failed"] = "waiting"
    hook: str = ""
    """The `HookResult.hook` of its webhook."""
    reason: str = ""
    """The reason of a failure."""
    advice: str = ""
    hook_id: int | None = None
    source_id: str = ""
    since: float = 0
    handover: str = ""
    """The id of what an administrator is asked for."""

    @classmethod
    def of(cls, repository: Repository) -> "Line":
        """Make the line of a chosen repository."""
        return cls(repository_id=repository.id, full_name=repository.full_name, url=repository.url)


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """A user's choice of repositories for a flow, and its progress."""

    id: str
    user: str
    flow: Flow
    options: Options
    lines: tuple[Line, ...]
    touched: float
    """Unix seconds of the last step."""

    @property
    def is_running(self) -> bool:
        """Whether a process still works on lines that wait."""
        waiting = any(line.state == "waiting" for line in self.lines)
        return waiting and time.time() - self.touched < INTERRUPTED_SECONDS

    @property
    def unfinished(self) -> list[Line]:
        """The lines that failed or were interrupted: those to retry."""
        settled = ("connected", "asked")
        return [] if self.is_running else [line for line in self.lines if line.state not in settled]


@dataclass(frozen=True, kw_only=True)
class Chooser:
    """The user who sets it up."""

    user: FlowdockUser
    access_token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class BulkConnect:
    """Starts set-ups and returns their progress."""

    one_time: OneTimeStore
    accounts: LinkedAccounts
    hooks: RepositoryWebhooks
    connect_service: ConnectService
    handovers: Handovers
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def begin(
        self, by: Chooser, flow: Flow, chosen: Sequence[Line], options: Options, *, wait: float
    ) -> str:
        """Connect the chosen repositories; returns the id for `find` when done, or after `wait` seconds."""
        begun = SetUp(
            id=secrets.token_urlsafe(16),
            user=by.user.id,
            flow=flow,
            options=options,
            lines=tuple(chosen),
            touched=time.time(),
        )
        await self._keep(begun)
        task = asyncio.create_task(self._run(begun, by))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=wait)
        return begun.id

    async def find(self, setup_id: str, *, user: str) -> SetUp | None:
        """Return one of this user's set-ups, None if there is none."""
        value = await self.one_time.peek(_KIND, setup_id)
        if value is None or value["user"] != user:
            return None
        return msgspec.convert(value, SetUp)

    async def stop(self) -> None:
        """Start no further repository; `ConnectService` finishes the current one."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, setup: SetUp, by: Chooser) -> None:
        try:
            for index, line in enumerate(setup.lines):
                try:
                    setup = await self._step(setup, index, await self._connected(line, setup, by))
                except (SignedOut, NotLinked, RateLimited) as error:
                    # The others would fail in the same way.
                    for rest in range(index, len(setup.lines)):
                        failed = _failed(setup.lines[rest], error, tried=rest == index)
                        setup = await self._step(setup, rest, failed)
                    break
        except Exception:
            # Nobody awaits it; the page reports lines that nobody works on.
            log.exception("bulk_connect_failed", flow=setup.flow.path)

    async def _step(self, setup: SetUp, index: int, line: Line) -> SetUp:
        lines = (*setup.lines[:index], line, *setup.lines[index + 1 :])
        stepped = replace(setup, lines=lines, touched=time.time())
        await self._keep(stepped)
        return stepped

    async def _connected(self, line: Line, setup: SetUp, by: Chooser) -> Line:
        since = time.time()
        try:
            repository = await self._asked(line, by)
            line = replace(line, full_name=repository.full_name, url=repository.url)
            if not repository.may_hook:
                asked = await self.handovers.ask(
                    by.user, by.access_token, setup.flow, repository, setup.options
                )
                return replace(line, state="asked", handover=asked.id)
            connected = await self.connect_service.connect(
                ConnectRequest(
                    user=by.user.id,
                    access_token=by.access_token,
                    flow=setup.flow,
                    repository=repository,
                    options=setup.options,
                )
            )
        except (SignedOut, NotLinked, RateLimited):
            raise
        except BridgeError as error:
            return _failed(line, error)
        return replace(
            line,
            state="connected",
            hook=connected.hook,
            hook_id=connected.connection.hook_id,
            source_id=connected.connection.source_id,
            since=since,
        )

    async def _asked(self, line: Line, by: Chooser) -> Repository:
        """Ask GitHub for the repository: a form may name any."""
        repository = await self.accounts.as_user(
            by.user.id,
            lambda token: self.hooks.repositories.present(line.repository_id, line.full_name, token=token),
        )
        if repository.archived:
            raise NotThere(f"{line.full_name} is archived")
        return repository

    async def _keep(self, setup: SetUp) -> None:
        await self.one_time.put(_KIND, setup.id, asdict(setup), seconds=KEPT_SECONDS)


def _failed(line: Line, error: BridgeError, *, tried: bool = True) -> Line:
    reason = str(error) if tried else f"not tried: {error}"
    advice = LINK_FIRST if isinstance(error, NotLinked) else error.advice
    return replace(line, state="failed", reason=reason, advice=advice)
