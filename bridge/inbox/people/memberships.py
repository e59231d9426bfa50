"""People whom the inbox lets in as members of a GitHub organization, for as long as they are.

GitHub is asked with the person's own token, at the sign-in and again while they use the inbox. Without an
answer, its last one counts for a few minutes and no longer.
"""

import time
from collections.abc import Sequence

import msgspec
import orjson
import structlog

from bridge.core.model import GitHubToken
from bridge.core.security.encryption import Vault
from bridge.inbox import keys
from bridge.inbox.people.github import GitHubSignIn, TokenGone
from bridge.inbox.people.people import InboxPerson
from bridge.storage.redis import Redis

FRESH_SECONDS = 9 * 60
"""Seconds for which a yes counts: a member who leaves is out within ten minutes."""

TOKEN_SECONDS = 180 * 24 * 3600
"""As long as GitHub's own tokens can be renewed."""

_ASKING_SECONDS = 60

log = structlog.get_logger()


class MembershipStore:
    """Memberships as GitHub last told them, and the tokens to ask with, encrypted."""

    def __init__(
        self, redis: Redis, vault: Vault, github: GitHubSignIn, *, organizations: Sequence[str]
    ) -> None:
        self.organizations = tuple(organizations)
        self._redis = redis
        self._vault = vault
        self._github = github

    async def is_member(self, token: GitHubToken) -> bool:
        """Tell whether a token's owner is in one of the organizations; raises as `GitHubSignIn`."""
        for organization in self.organizations:
            if await self._github.is_member(token, organization):
                return True
        return False

    async def keep(self, person_id: int, token: GitHubToken) -> None:
        """Note that a person is a member now, and keep the token to ask again with."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.personal("github", person_id), self._sealed(person_id, token), ex=TOKEN_SECONDS)
            pipe.hset(keys.MEMBERS, str(person_id), int(time.time()))
            await pipe.execute()

    async def holds(self, person: InboxPerson) -> bool:
        """Tell whether a person may still use the inbox, asking GitHub if its last word is old.

        Raises as `GitHubSignIn` where GitHub does not answer.
        """
        if person.admitted_by != "organization" or await self._is_fresh(person.id):
            return True
        async with self._redis.lock(keys.asking(person.id), timeout=_ASKING_SECONDS):
            # Another request may have asked meanwhile.
            if await self._is_fresh(person.id) or await self._asked(person.id):
                return True
            log.info("inbox_membership_ended", person=person.id)
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hdel(keys.MEMBERS, str(person.id))
                pipe.delete(keys.personal("github", person.id))
                await pipe.execute()
            return False

    async def _is_fresh(self, person_id: int) -> bool:
        last = await self._redis.hget(keys.MEMBERS, str(person_id))
        return bool(self.organizations and last and time.time() - int(last) < FRESH_SECONDS)

    async def _asked(self, person_id: int) -> bool:
        try:
            token = await self.token(person_id)
            if token is None or not await self.is_member(token):
                return False
        except TokenGone:
            return False
        await self._redis.hset(keys.MEMBERS, str(person_id), int(time.time()))
        return True

    async def token(self, person_id: int) -> GitHubToken | None:
        """Return the token to ask with, None if there is none; raises as `GitHubSignIn`.

        A linked account comes first: it may have taken this very token over, and renewed it.
        """
        return await self._github.linked(person_id) or await self.kept(person_id)

    async def kept(self, person_id: int) -> GitHubToken | None:
        """Return the token of a member's sign-in, None if there is none; raises as `GitHubSignIn`."""
        key = keys.personal("github", person_id)
        sealed = await self._redis.get(key)
        if sealed is None:
            return None
        token = msgspec.json.decode(self._vault.decrypt(sealed, aad=_place(person_id)), type=GitHubToken)
        if renewed := await self._github.renewed(token):
            await self._redis.set(key, self._sealed(person_id, renewed), ex=TOKEN_SECONDS)
            return renewed
        return token

    def _sealed(self, person_id: int, token: GitHubToken) -> bytes:
        return self._vault.encrypt(orjson.dumps(token), aad=_place(person_id))


def _place(person_id: int) -> str:
    return f"inbox-github:{person_id}"
