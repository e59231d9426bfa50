"""GitHub's answers to the inbox, by the application that bridge has there anyway."""

import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from bridge.clients.github import TokenRevoked, can_act, is_apps
from bridge.clients.github_repositories import Repository
from bridge.core import names
from bridge.core.actions import Call
from bridge.core.errors import BridgeError, GitHubFailing, GitHubRefused, Malformed, NotLinked, OAuthFailed
from bridge.core.model import GitHubToken
from bridge.inbox.people.github import GitHubAccount, TokenGone
from bridge.inbox.people.memberships import MembershipStore
from bridge.services import Services
from bridge.web.pages import github_app

RENEW_SECONDS = 300
"""A token is renewed so long before its end."""

log = structlog.get_logger()


class GitHubForInbox:
    """Answers the inbox's questions to GitHub, with bridge's own application there."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def set_up_at(self) -> str:
        """Return the page that makes the GitHub App; empty once there is one, or an OAuth App."""
        credentials = self._services.credentials
        there = credentials.from_settings or await credentials.app()
        return "" if there else github_app.PAGE

    async def authorize_url(self, *, state: str, verifier: str) -> str:
        """Return the URL at which a browser signs in; it asks for as few rights as possible."""
        services = self._services
        return await services.github.authorize_url(
            state=state,
            verifier=verifier,
            # An OAuth App's scope; a GitHub App has its permissions instead.
            scope="read:org" if services.settings.inbox_organizations else "",
        )

    async def sign_in(self, code: str, *, verifier: str) -> tuple[GitHubAccount, GitHubToken]:
        """Return the account that a code is for, and its token."""
        github = self._services.github
        token = await github.exchange(code, verifier=verifier)
        try:
            call = Call(method="GET", url="/user")
            return _account(await github.call(call, token=token.access, subject="your account")), token
        except BaseException as error:
            await self.give_back(token)
            if isinstance(error, TokenRevoked):
                raise OAuthFailed("GitHub no longer accepts your sign-in: try again") from None
            raise

    async def is_member(self, token: GitHubToken, organization: str) -> bool:
        """Tell whether the token's owner is an active member.

        https://docs.github.com/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user
        """
        variables = {"org": organization}
        call = Call(method="GET", url="/user/memberships/orgs/{org}", variables=variables)
        try:
            found = await self._services.github.call(call, token=token.access, subject=organization)
        except TokenRevoked:
            raise TokenGone("GitHub no longer accepts the token") from None
        except GitHubRefused as refusal:
            if refusal.answered == 404:
                return False
            raise
        return isinstance(found, dict) and found.get("state") == "active"

    def can_act(self, token: GitHubToken) -> bool:
        """Tell whether a token suffices for bridge's buttons; a bridge elsewhere takes none from here."""
        return can_act(token) and not self._services.settings.inbox_application_url

    async def linked(self, person_id: int) -> GitHubToken | None:
        """Return the token of a person's own linked account, if it is a GitHub App's.

        An OAuth App's is linked for other scopes than the sign-in asks for.
        """
        account = await self._services.account_store.get(str(person_id))
        if account is None or account.github.id != person_id or not is_apps(account.token.access):
            return None
        try:
            return GitHubToken(access=await self._services.accounts.token(str(person_id)))
        except NotLinked:
            return None

    async def renewed(self, token: GitHubToken) -> GitHubToken | None:
        """Return the token that replaces one about to end, None while it lasts; raises `TokenGone`."""
        if token.expires_at is None or token.expires_at - time.time() > RENEW_SECONDS:
            return None
        if token.refresh is None:
            raise TokenGone("GitHub's token has expired")
        try:
            return await self._services.github.refresh(token.refresh)
        except OAuthFailed as error:
            if not error.code:
                raise
            raise TokenGone("GitHub does not renew the token") from None

    async def give_back(self, token: GitHubToken) -> None:
        """Revoke a token that is needed no longer, as far as GitHub answers."""
        try:
            await self._services.github.revoke(token)
        except BridgeError as error:
            log.warning("inbox_token_revocation_failed", reason=str(error))


class GitHubReaders:
    """Asks GitHub what a person can read: by their linked account, or else by the token of their sign-in."""

    def __init__(self, services: Services, memberships: MembershipStore) -> None:
        self._services = services
        self._memberships = memberships
        self._repositories = services.hooks.repositories

    async def find(self, person_id: int, full_name: str) -> tuple[int, str]:
        """Return the id and the full name of a repository that a person can read."""
        if not names.is_full_name(full_name):
            raise Malformed("A repository is named owner/name, as in its address on GitHub.")
        found = await self._asked(person_id, lambda token: self._repositories.by_name(full_name, token=token))
        return found.id, found.full_name

    async def may_read(self, person_id: int, repository_id: int) -> bool:
        """Tell whether a person can read a repository."""
        try:
            await self._asked(person_id, lambda token: self._repositories.by_id(repository_id, token=token))
        except (NotLinked, TokenGone, TokenRevoked):
            return False
        except GitHubRefused as refusal:
            if refusal.answered in (403, 404, 451):
                return False
            raise
        return True

    async def _asked(self, person_id: int, ask: Callable[[str], Awaitable[Repository]]) -> Repository:
        """Ask with a token of the very account that the person is."""
        account = await self._services.account_store.get(str(person_id))
        if account and account.github.id == person_id:
            return await self._services.accounts.reading(str(person_id), ask)
        token = await self._memberships.token(person_id)
        if token is None:
            raise NotLinked("link your GitHub account first, on your account page")
        return await ask(token.access)


class _User(msgspec.Struct):
    id: int
    login: str
    name: str | None = None
    avatar_url: str | None = None


def _account(found: object) -> GitHubAccount:
    try:
        user = msgspec.convert(found, _User)
    except msgspec.ValidationError:
        raise GitHubFailing("GitHub did not say who signed in: try again") from None
    return GitHubAccount(id=user.id, login=user.login, name=user.name or "", avatar=user.avatar_url or "")
