"""Linked accounts in Redis, found by Flowdock user, by GitHub id, and by login.

Several Flowdock users may link the same GitHub account. A login only serves to find accounts: its owner may
give it up and a stranger may take it, so an account counts only while it still has the login.
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import msgspec
import orjson
import structlog
from redis.asyncio.lock import Lock

from bridge.core.model import AuditEntry, FlowdockUser, LinkedAccount, Mention
from bridge.core.security.encryption import Undecryptable, Vault
from bridge.storage import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

REFRESH_LOCK_SECONDS = 30
LOCK_WAIT_SECONDS: float = 20
"""Seconds to wait for an account's lock."""

MAX_ACTS = 50
ACTS_SECONDS = 90 * 24 * 3600

log = structlog.get_logger()


class AccountStore:
    """Linked accounts in Redis, their tokens encrypted."""

    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis = redis
        self._vault = vault
        self._swap = load_script(redis, "bridge.storage", "swap_account")

    async def get(self, flowdock_user: str) -> LinkedAccount | None:
        """Return a Flowdock user's linked account, None if there is none."""
        data = await self._redis.get(keys.account(flowdock_user))
        return self._load_account(flowdock_user, data) if data else None

    async def link(self, account: LinkedAccount) -> LinkedAccount | None:
        """Store a linked account; returns the one that it replaces."""
        user = account.flowdock.id
        token = self._vault.encrypt(orjson.dumps(asdict(account.token)), aad=f"account:{user}")
        fields = {
            "flowdock": asdict(account.flowdock),
            "github": asdict(account.github),
            "token": token.decode(),
            "linked_at": account.linked_at,
        }
        replaced = await self._swapped(user, orjson.dumps(fields), account.github.id, account.github.login)
        try:
            return self._load_account(user, replaced) if replaced else None
        except Undecryptable as error:
            log.warning("replaced_account_unreadable", flowdock_user=user, reason=str(error))
            return None

    async def unlink(self, flowdock_user: str) -> None:
        """Delete a linked account and its token."""
        await self._swapped(flowdock_user)

    async def _swapped(self, user: str, *account: Any) -> bytes | None:
        replaced: bytes | None = await self._swap(
            keys=[keys.account(user), keys.LINKED],
            args=[keys.linked_to(""), keys.linked_as(""), user, *account],
        )
        return replaced

    async def linked_to(self, github_id: int) -> list[str]:
        """Return the Flowdock users who linked a GitHub account."""
        found = await self._redis.smembers(keys.linked_to(github_id))
        return sorted(user.decode() for user in found)

    async def logins(self) -> dict[str, str]:
        """Return the GitHub logins of all linked accounts, by Flowdock user."""
        found = await self._redis.hgetall(keys.LINKED)
        return {user.decode(): login.decode() for user, login in found.items()}

    async def add_audit_entry(self, flowdock_user: str, entry: AuditEntry) -> None:
        """Record an action done as a person; only the newest entries are kept."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.lpush(keys.acts(flowdock_user), orjson.dumps(entry))
            pipe.ltrim(keys.acts(flowdock_user), 0, MAX_ACTS - 1)
            pipe.expire(keys.acts(flowdock_user), ACTS_SECONDS)
            await pipe.execute()

    async def audit_log(self, flowdock_user: str) -> list[AuditEntry]:
        """Return the actions done as a person, the newest first."""
        found = await self._redis.lrange(keys.acts(flowdock_user), 0, -1)
        return [msgspec.json.decode(entry, type=AuditEntry) for entry in found]

    def lock(self, flowdock_user: str) -> Lock:
        """Return the lock for renewing or removing a user's GitHub token."""
        lock: Lock = self._redis.lock(
            keys.refreshing(flowdock_user), timeout=REFRESH_LOCK_SECONDS, blocking_timeout=LOCK_WAIT_SECONDS
        )
        return lock

    def _load_account(self, flowdock_user: str, data: bytes) -> LinkedAccount:
        fields = orjson.loads(data)
        token = orjson.loads(self._vault.decrypt(fields["token"].encode(), aad=f"account:{flowdock_user}"))
        return msgspec.convert({**fields, "token": token}, LinkedAccount)


async def people(redis: Redis, mentions: Iterable[Mention]) -> list[FlowdockUser]:
    """Return the Flowdock users who linked these GitHub accounts, in the mentions' order.

    By id; by login only where the id is not known, and only while the account still carries it.
    """
    wanted = list(dict.fromkeys(mentions))
    if not wanted:
        return []
    async with redis.pipeline(transaction=False) as pipe:
        for one in wanted:
            pipe.smembers(keys.linked_to(one.id) if one.id else keys.linked_as(one.login))
        sets = await pipe.execute()
    found = [
        (one, keys.account(user.decode())) for one, users in zip(wanted, sets, strict=True) for user in users
    ]
    accounts = await redis.mget([key for _, key in found]) if found else []
    read = [
        (one, orjson.loads(account)) for (one, _), account in zip(found, accounts, strict=True) if account
    ]
    return [
        msgspec.convert(account["flowdock"], FlowdockUser)
        for one, account in read
        if _is_of(account["github"], one)
    ]


def _is_of(github: dict[str, Any], mention: Mention) -> bool:
    is_called_so = bool(github["login"].lower() == mention.login.lower())
    if mention.id:
        return bool(github["id"] == mention.id) and not (mention.unless_by_login and is_called_so)
    return is_called_so
