"""Acting on GitHub as linked accounts: renews tokens in time, and drops revoked ones."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog
from redis.exceptions import LockError, RedisError

from bridge.clients.github import GitHub, TokenRevoked
from bridge.connections.last_words import hold_to_connections
from bridge.core.actions import Action, Click, Merging
from bridge.core.errors import BridgeError, GitHubFailing, GitHubRefused, NotLinked, OAuthFailed
from bridge.core.model import Administrator, AuditEntry, GitHubToken, LinkedAccount, Target
from bridge.storage.accounts import AccountStore
from bridge.storage.checkups import Checkups
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import ClickTarget, PullRequestStore

REFRESH_AHEAD = 300
"""Seconds before its end from which on a token is renewed."""

_REFUSED_FOR_GOOD = frozenset({"bad_refresh_token", "invalid_grant", "unauthorized"})

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True)
class LinkedAccounts:
    """Acts as linked accounts."""

    store: AccountStore
    connections: ConnectionStore
    pulls: PullRequestStore
    github: GitHub
    checkups: Checkups

    async def act(self, flowdock_user: str, action: Action, target: Target) -> str:
        """Do an action on what a thread showed, as a Flowdock user's linked account; returns its sentence.

        A repository that was renamed is found by its present name.

        Raises `NotLinked` if there is no account or its token was revoked (the link is removed then), and
        what `GitHub.perform` raises.
        """
        on = str(target)
        try:
            shown = await self.pulls.shown(target)
            on = await self.pulls.called(shown)
            sentence = await self._act(flowdock_user, action, shown, on)
        except NotLinked:
            raise
        except BridgeError as refusal:
            await self._note(flowdock_user, action, on, str(refusal), done=False)
            raise
        await self._note(flowdock_user, action, on, sentence, done=True)
        return sentence

    async def _act(self, flowdock_user: str, action: Action, shown: ClickTarget, on: str) -> str:
        shown = await hold_to_connections(shown, self.connections, self.pulls)
        account, ended = await self._as_account(
            flowdock_user, lambda account: self._perform(account, action, shown)
        )
        if isinstance(ended, Merging) and shown.repository_id:
            await self.pulls.watches.merge(
                shown.repository_id, shown.target.number, user=flowdock_user, uuid=ended.uuid
            )
        log.info(
            "action_performed",
            action=action.slug,
            on=on,
            flowdock_user=flowdock_user,
            login=account.github.login,
        )
        return ended.sentence if isinstance(ended, Merging) else ended

    async def as_user(self, flowdock_user: str, ask: Callable[[str], Awaitable[T]]) -> T:
        """Call `ask` with the GitHub token of a Flowdock user, twice if the token had to be renewed.

        Raises `NotLinked` if there is no account or its token was revoked (the link is removed then), and
        what `ask` raises.
        """
        _, answer = await self._as_account(flowdock_user, lambda account: ask(account.token.access))
        return answer

    async def as_either(
        self, flowdock_user: str, administrator: Administrator | None, ask: Callable[[str], Awaitable[T]]
    ) -> T:
        """Call `ask` with an administrator's token if there is one, else as `as_user`."""
        if administrator is None:
            return await self.as_user(flowdock_user, ask)
        try:
            return await ask(administrator.token)
        except TokenRevoked:
            raise NotLinked(f"GitHub no longer accepts the sign-in of @{administrator.login}") from None

    async def give_back_lent(self, administrator: Administrator) -> None:
        """Revoke a token that an administrator lent; a failure is logged."""
        await self.give_back(GitHubToken(access=administrator.token))

    async def _as_account(
        self, flowdock_user: str, ask: Callable[[LinkedAccount], Awaitable[T]]
    ) -> tuple[LinkedAccount, T]:
        account = await self._fresh(flowdock_user)
        try:
            return account, await ask(account)
        except TokenRevoked:
            # An expiring token may have died early, say because another process renewed it just now.
            account = await self._renewed(account)
        try:
            return account, await ask(account)
        except TokenRevoked:
            await self._drop(account)
            raise NotLinked("GitHub no longer accepts your link: link your account again") from None

    async def _note(self, user: str, action: Action, on: str, outcome: str, *, done: bool) -> None:
        """Record an action for the account page; if Redis fails, the action still counts."""
        act = AuditEntry(at=int(time.time()), action=action.name, on=on, outcome=outcome, done=done)
        try:
            await self.store.add_audit_entry(user, act)
        except (RedisError, OSError) as error:
            log.warning("action_recording_failed", action=act.action, on=act.on, error=type(error).__name__)

    async def token(self, flowdock_user: str) -> str:
        """Return a user's GitHub token, renewed if need be; raises `NotLinked` or `GitHubFailing`."""
        return (await self._fresh(flowdock_user)).token.access

    async def link(self, account: LinkedAccount) -> None:
        """Store a linked account, and revoke the token that it replaces. Raises `GitHubFailing`."""
        user = account.flowdock.id
        try:
            async with self.store.lock(user):
                replaced = await self.store.link(account)
        except LockError:
            raise GitHubFailing(
                "GitHub is slow to renew your previous token: try again", status=504
            ) from None
        if replaced and replaced.token.access != account.token.access:
            await self.give_back(replaced.token)
        await self.look_after(user)
        for repository_id in {one.repository_id for one in await self.connections.all()} - {None}:
            await self.pulls.ask_unknown_rules(repository_id or 0)

    async def give_back(self, token: GitHubToken) -> None:
        """Revoke a token that is no longer needed; a failure is logged."""
        try:
            await self.github.revoke(token)
        except BridgeError as error:
            log.warning("revocation_failed", reason=str(error))

    async def unlink(self, flowdock_user: str) -> LinkedAccount | None:
        """Remove a linked account and revoke the grant; None if there was none.

        While other Flowdock users use the same GitHub account, only the token is revoked.

        Raises `GitHubFailing` if GitHub did not revoke it: the link is removed all the same.
        """
        async with self.store.lock(flowdock_user):
            account = await self.store.get(flowdock_user)
            if account is None:
                return None
            await self._forget(account, "unlinked by its owner")
        if await self.store.linked_to(account.github.id):
            await self.github.revoke(account.token)
        else:
            await self.github.revoke_grant(account.token)
        return account

    async def revoked(self, github_id: int) -> None:
        """Check a reported revocation on GitHub, and remove the links whose token it refuses."""
        holders = await self.store.linked_to(github_id)
        await asyncio.gather(*(self._see_revoked(user) for user in holders))

    async def _see_revoked(self, user: str) -> None:
        try:
            await self._as_account(user, lambda account: self.github.user(account.token))
        except NotLinked:
            return
        except BridgeError as error:
            log.warning("revocation_unconfirmed", flowdock_user=user, reason=str(error))
        else:
            log.warning("revocation_unconfirmed", flowdock_user=user, reason="the token still works")

    async def reading(self, flowdock_user: str, ask: Callable[[str], Awaitable[T]]) -> T:
        """Call `ask` with a user's token; raises as `as_user` does, but never removes a link."""
        account = await self._fresh(flowdock_user)
        try:
            return await ask(account.token.access)
        except TokenRevoked:
            raise NotLinked("GitHub no longer accepts the token") from None

    async def confirm_login(self, flowdock_user: str) -> None:
        """Ask GitHub for the present login of an account; raises `BridgeError`, and never removes a link."""
        await self._present(await self._fresh(flowdock_user))

    async def _perform(self, account: LinkedAccount, action: Action, shown: ClickTarget) -> str | Merging:
        if action.names_clicker:
            account = await self._present(account)
        click = Click(
            target=shown.target,
            login=account.github.login,
            user_id=account.github.id,
            shown=shown.pull,
            shown_sha=shown.head_sha,
            repository_id=shown.repository_id,
        )
        return await self.github.perform(action, click, token=account.token.access)

    async def _present(self, account: LinkedAccount) -> LinkedAccount:
        """Return the account with its present login, asked of GitHub: a stranger may have the former one."""
        user = await self.github.user(account.token)
        if user.id != account.github.id:
            raise GitHubRefused(
                f"GitHub says that your link belongs to @{user.login}: unlink it on your account page and"
                " link again",
                status=409,
            )
        if user.login == account.github.login:
            return account
        renamed = replace(account, github=user)
        # Another click of theirs may do the same, or unlink: then this one keeps nothing.
        with suppress(LockError):
            async with self.store.lock(account.flowdock.id):
                current = await self.store.get(account.flowdock.id)
                if current is not None and current.token.access == account.token.access:
                    await self.store.link(renamed)
        return renamed

    async def _fresh(self, flowdock_user: str) -> LinkedAccount:
        account = await self.store.get(flowdock_user)
        if account is None:
            raise NotLinked("this person has no linked GitHub account")
        expires_at = account.token.expires_at
        if expires_at is not None and expires_at - time.time() < REFRESH_AHEAD:
            return await self._renewed(account)
        return account

    async def _renewed(self, stale: LinkedAccount) -> LinkedAccount:
        """Return the account with a newer token than `stale` has; raises `NotLinked` if there is none.

        Renewing ends the old token at once, so only one renewal runs at a time.
        """
        user = stale.flowdock.id
        try:
            async with self.store.lock(user):
                account = await self.store.get(user)
                if account is None:
                    raise NotLinked("your link was removed: link your account again")
                if account.token.access != stale.token.access:
                    return account
                return await self._renew(account)
        except LockError:
            raise GitHubFailing("GitHub is slow to renew your token: try again", status=504) from None

    async def _renew(self, account: LinkedAccount) -> LinkedAccount:
        user = account.flowdock.id
        if account.token.refresh is None:
            await self._forget(account, "token revoked")
            raise NotLinked("GitHub no longer accepts your link: link your account again")
        try:
            token = await self.github.refresh(account.token.refresh)
        except OAuthFailed as error:
            if error.code not in _REFUSED_FOR_GOOD:
                raise GitHubFailing(f"GitHub did not renew your token: {error}") from None
            await self._forget(account, error.code)
            raise NotLinked("GitHub no longer accepts your link: link your account again") from None
        renewed = replace(account, token=token)
        await self.store.link(renewed)
        log.info("token_renewed", flowdock_user=user, login=account.github.login)
        return renewed

    async def look_after(self, flowdock_user: str) -> None:
        """Schedule checkups of the connections that depend on this user's account."""
        found = await self.connections.all()
        await self.checkups.schedule(one for one in found if one.installer == flowdock_user)

    async def _drop(self, account: LinkedAccount) -> None:
        async with self.store.lock(account.flowdock.id):
            current = await self.store.get(account.flowdock.id)
            if current is not None and current.token.access == account.token.access:
                await self._forget(account, "token revoked")

    async def _forget(self, account: LinkedAccount, reason: str) -> None:
        await self.store.unlink(account.flowdock.id)
        await self.look_after(account.flowdock.id)
        log.warning("unlinked", flowdock_user=account.flowdock.id, login=account.github.login, reason=reason)
