"""Handing a connect over: a member of the flow asks, an administrator of the repository agrees.

The member lends bridge a Flowdock access token for it, the administrator a GitHub token for the moment.
"""

from dataclasses import dataclass, replace
from typing import NoReturn

import structlog

from bridge.clients.flowdock import Flowdock
from bridge.clients.github import TokenRevoked
from bridge.clients.github_repositories import Repository
from bridge.clients.github_webhooks import RepositoryWebhooks
from bridge.connections.connect import ConnectRequest, ConnectService
from bridge.connections.handover_requests import Handover, Handovers
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.connections.webhook_repair import NO_RIGHT
from bridge.core.errors import (
    BridgeError,
    FlowdockRejected,
    GitHubRefused,
    NotAdministrator,
    NotAMember,
    NotLinked,
    RequestRefused,
    SignedOut,
)
from bridge.core.model import Administrator, Flow

log = structlog.get_logger()


class AskAnew(RequestRefused):
    """Flowdock no longer accepts the asking member."""

    status = 409
    advice = "Nothing was connected. Ask them to sign in to bridge and send you a new link."


class Changed(RequestRefused):
    """The repository changed since it was shown."""

    status = 409
    advice = "Nothing was connected. Open the link again to see the new name."


class SignInAgain(RequestRefused):
    """GitHub no longer accepts the administrator's token."""

    status = 403
    advice = "Nothing was connected. Open the link again and sign in with GitHub."


@dataclass(frozen=True, kw_only=True)
class HandoverService:
    """Carries out administrators' answers."""

    handovers: Handovers
    accounts: LinkedAccounts
    hooks: RepositoryWebhooks
    flowdock: Flowdock
    connect_service: ConnectService

    async def administered(self, handover: Handover, administrator: Administrator) -> Repository:
        """Ask GitHub for the repository, by its id, as somebody who administers it.

        Raises `NotAdministrator` for anybody else, `Changed`, `SignInAgain`, and as `GitHub.call` does.
        """
        try:
            repository = await self.hooks.repositories.by_id(
                handover.repository_id, token=administrator.token
            )
        except TokenRevoked:
            raise SignInAgain("GitHub no longer accepts your sign-in") from None
        except GitHubRefused as refusal:
            if refusal.answered not in NO_RIGHT:
                raise
            _refuse(administrator, handover)
        if repository.id != handover.repository_id or not repository.may_hook:
            _refuse(administrator, handover)
        if repository.archived:
            raise Changed(f"the repository {repository.full_name} is archived")
        return repository

    async def connect(self, handover_id: str, administrator: Administrator, *, shown: str) -> Handover:
        """Connect the repository if its name is still the `shown` one; revokes the administrator's token.

        Raises `Answered`, `AskAnew`, `SignInAgain`, as `administered`, and as `ConnectService.connect` does.
        The handover then stays open, except after `AskAnew`.
        """
        try:
            handover = await self.handovers.take(handover_id)
        except BaseException:
            await self.accounts.give_back_lent(administrator)
            raise
        answered = handover
        try:
            answered = await self._connect(handover, administrator, shown)
        except AskAnew:
            answered = replace(handover, state="lapsed", access_token="")
            raise
        finally:
            await self.handovers.answer(answered)
        log.info("handover_accepted", connection=answered.connection_id, login=administrator.login)
        return answered

    async def decline(self, handover_id: str, administrator: Administrator) -> Handover:
        """Decline for good, and revoke the token. Raises `Answered`, and as `administered` does."""
        try:
            handover = await self.handovers.take(handover_id)
            answered = handover
            try:
                await self.administered(handover, administrator)
                answered = replace(handover, state="declined", by=administrator.login, access_token="")
            finally:
                await self.handovers.answer(answered)
        finally:
            await self.accounts.give_back_lent(administrator)
        log.info("handover_declined", repository=handover.full_name, login=administrator.login)
        return answered

    async def _connect(self, handover: Handover, administrator: Administrator, shown: str) -> Handover:
        try:
            repository = await self.administered(handover, administrator)
            if repository.full_name != shown:
                raise Changed(f"{shown} was renamed to {repository.full_name}")
            flow = await self._flow(handover)
        except BaseException:
            await self.accounts.give_back_lent(administrator)
            raise
        try:
            # From here on the token is given back there.
            connected = await self.connect_service.connect(
                ConnectRequest(
                    user=handover.asker.id,
                    access_token=handover.access_token,
                    flow=flow,
                    repository=repository,
                    options=handover.options,
                    administrator=administrator,
                )
            )
        except NotLinked as error:
            raise SignInAgain(str(error)) from None
        except (SignedOut, NotAMember) as error:
            raise _ask_anew(handover, error) from None
        return replace(
            handover,
            state="done",
            full_name=repository.full_name,
            by=administrator.login,
            connection_id=connected.connection.id,
            access_token="",
        )

    async def _flow(self, handover: Handover) -> Flow:
        """Return the flow, if the asking member is still in it."""
        try:
            return await self.flowdock.flow(handover.flow.path, handover.access_token)
        except (SignedOut, NotAMember, FlowdockRejected) as error:
            raise _ask_anew(handover, error) from None


def _refuse(administrator: Administrator, handover: Handover) -> NoReturn:
    raise NotAdministrator(f"@{administrator.login} is not an administrator of {handover.full_name}.")


def _ask_anew(handover: Handover, error: BridgeError) -> AskAnew:
    log.info("handover_invalid", flowdock_user=handover.asker.id, reason=str(error))
    return AskAnew(f"@{handover.asker.nick} is no longer signed in, or no longer in {handover.flow.name}")
