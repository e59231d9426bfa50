"""Admission: for people with an invitation, and for members of the organizations that the operator named."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from bridge.core.errors import OAuthFailed, RequestRefused
from bridge.core.model import GitHubToken
from bridge.core.security.encryption import Vault
from bridge.inbox.flows.flows import FlowStore
from bridge.inbox.people.github import GitHubAccount, GitHubSignIn, TokenGone
from bridge.inbox.people.invitations import OPERATOR, Invitation, InvitationGone, InvitationStore
from bridge.inbox.people.memberships import MembershipStore
from bridge.inbox.people.people import AdmittedBy, InboxPerson, LastOwner, PeopleStore
from bridge.inbox.people.sign_in_tokens import SignInTokenStore
from bridge.inbox.threads.marks import MarkStore


class WrongAccount(RequestRefused):
    """The invitation is for another GitHub account."""

    status = 403
    advice = "Sign out of GitHub, then open the invitation again as the person it is for."


class Stranger(RequestRefused):
    """GitHub knows them, the inbox does not; `login` is their account."""

    status = 403

    def __init__(self, login: str) -> None:
        super().__init__(f"@{login} is not in this inbox")
        self.login = login


@dataclass(frozen=True, kw_only=True)
class Admission:
    """Lets people in, and removes them."""

    web_url: str
    github: GitHubSignIn
    vault: Vault
    people: PeopleStore
    flows: FlowStore
    marks: MarkStore
    invitations: InvitationStore
    memberships: MembershipStore
    sign_in_tokens: SignInTokenStore

    async def invitation(self, secret: str) -> Invitation:
        """Return the invitation of a link; raises `InvitationGone`."""
        found = await self.invitations.find(secret)
        if found is None or not await self._counts(found):
            raise InvitationGone
        return found

    async def open_invitations(self) -> list[Invitation]:
        """Return the open invitations; withdraw those whose maker may no longer invite."""
        found = await self.invitations.all()
        counts = await asyncio.gather(*map(self._counts, found))
        ended = [one for one, count in zip(found, counts, strict=True) if not count]
        for one in ended:
            await self.invitations.withdraw(one.name)
        return [one for one in found if one not in ended]

    async def _counts(self, invitation: Invitation) -> bool:
        """Tell whether its maker may still invite: the operator for the first owner, else an owner."""
        if invitation.by == OPERATOR:
            return not await self.people.has_owner()
        inviter = await self.people.get(invitation.by)
        return inviter is not None and inviter.owner

    async def admit(self, account: GitHubAccount, token: GitHubToken, *, secret: str) -> InboxPerson:
        """Let in a person with an invitation, one who is in already, or a member of an organization.

        Raises `InvitationGone`, `WrongAccount`, `Stranger`, `LimitReached`, or as `GitHubSignIn`.
        """
        if secret:
            return await self._invited(account, await self.invitation(secret))
        known = await self.people.get(account.id)
        if known and known.admitted_by != "organization":
            return await self._put(account, known.admitted_by, is_known=True)
        if await self.people.is_barred(account.id) or not await self._is_member(token):
            raise Stranger(account.login)
        return await self._put(account, "organization")

    async def _invited(self, account: GitHubAccount, invitation: Invitation) -> InboxPerson:
        if invitation.login and invitation.login.lower() != account.login.lower():
            raise WrongAccount(
                f"This invitation is for @{invitation.login}. On GitHub you are @{account.login}."
            )
        by: AdmittedBy = "operator" if invitation.by == OPERATOR else "invitation"
        return await self._put(account, by, invitation)

    async def _put(
        self,
        account: GitHubAccount,
        by: AdmittedBy,
        invitation: Invitation | None = None,
        *,
        is_known: bool = False,
    ) -> InboxPerson:
        if await self.people.get(account.id) is None:
            await self._finish_removal(account.id)
        return await self.people.put(
            account.id,
            nick=account.login,
            name=account.name,
            avatar=account.avatar,
            admitted_by=by,
            invitation=invitation,
            is_known=is_known,
        )

    async def keep_token(self, person: InboxPerson, token: GitHubToken) -> None:
        """Keep a token that is still needed, to ask GitHub again or to link; revoke any other."""
        if person.admitted_by == "organization":
            await self.memberships.keep(person.id, token)
            return
        unneeded: GitHubToken | None = token
        if self.github.can_act(token):
            unneeded = await self.sign_in_tokens.keep(person.id, token)
        if unneeded:
            await self.github.give_back(unneeded)

    async def remove(self, person_id: int, *, bar: bool = False) -> None:
        """Delete a person, who leaves all flows; raises as `PeopleStore.remove`.

        With `bar`, their organization no longer lets them in, nor does an invitation for their login so far.
        """
        # Before the removal: else somebody who is quick, or a crash, has one left.
        if bar and (person := await self.people.get(person_id)):
            for one in await self.invitations.all():
                if one.login.lower() == person.nick.lower():
                    await self.invitations.withdraw(one.name)
        held = await self.sign_in_tokens.take(person_id)
        try:
            await self.people.remove(person_id, bar=bar)
        except LastOwner:
            if held:
                await self.sign_in_tokens.keep(person_id, held)
            raise
        if held:
            await self.github.give_back(held)
        await self._finish_removal(person_id)

    async def finish_removals(self) -> None:
        """Finish removals that a crash interrupted."""
        for person_id in await self.people.leaving():
            await self._finish_removal(person_id)

    async def _finish_removal(self, person_id: int) -> None:
        for flow_id in await self.flows.ids_of(person_id):
            await self.flows.leave(flow_id, person_id, is_forced=True)
        await self.marks.forget(person_id)
        await self.people.left(person_id)

    async def _is_member(self, token: GitHubToken) -> bool:
        try:
            return await self.memberships.is_member(token)
        except TokenGone:
            raise OAuthFailed("GitHub no longer accepts your sign-in: try again") from None


ADMISSION = web.AppKey("inbox_admission", Admission)
