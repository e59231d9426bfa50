"""What Redis keeps besides the queue: connections, linked accounts, values that serve once."""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import orjson
from redis.asyncio.lock import Lock

from bridge.core.errors import NotFound
from bridge.core.model import AuditEntry, Connection, Problem
from bridge.core.options import Options
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.accounts import LinkedAccounts
from bridge.storage.client import AnyRedis, run

REFRESH_LOCK_SECONDS = 30
LOCK_WAIT_SECONDS: float = 20
"""How long whoever wants the lock waits for it."""

RepoKey = tuple[int, str]
"""A repository's id, and its full name as a delivery tells it."""

CONNECTIONS_KEPT = 1024
"""Connections that a process keeps decrypted."""

MAX_ACTS = 50
ACTS_SECONDS = 90 * 24 * 3600
PING_SECONDS = 24 * 3600

# Only what was read is replaced: a connection that is changed meanwhile is read again, one that is removed
# stays removed. The worker must get through when Redis is full (`allow-oom`).
_CHANGE = """#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
if #KEYS > 2 then
    redis.call('SADD', KEYS[3], ARGV[3])
    redis.call('SREM', KEYS[4], ARGV[3])
end
redis.call('INCR', KEYS[2])
return 1
"""


# KEYS: of each repository its connections by its id, and those by its name; ARGV: how connections' keys
# begin, which have the same hash tag.
_OF_REPOSITORIES = """#!lua flags=no-writes
local all = {}
for i = 1, #KEYS, 2 do
    local found, unbound = {}, redis.call('SMEMBERS', KEYS[i + 1])
    for _, ids in ipairs({redis.call('SMEMBERS', KEYS[i]), unbound}) do
        for _, id in ipairs(ids) do
            local connection = redis.call('GET', ARGV[1] .. id)
            if connection then found[#found + 1] = connection end
        end
    end
    all[#all + 1] = {found, unbound}
end
return all
"""


def new_connection_id() -> str:
    """A name that no other connection has."""
    return secrets.token_hex(4)


class Store(LinkedAccounts):
    """Flow tokens and GitHub tokens pass the vault on their way in and out; nothing secret lies open."""

    def __init__(self, redis: AnyRedis, vault: Vault) -> None:
        super().__init__(redis, vault)
        # By its very bytes, so never an older one: the worker reads the same few with every delivery.
        self._load_connection = lru_cache(maxsize=CONNECTIONS_KEPT)(self._read_connection)
        self._change = redis.register_script(_CHANGE)
        self._of_repositories = redis.register_script(_OF_REPOSITORIES)

    # Connections

    async def connect(
        self, repository: str, *, flow_token: str, name: str, flow: str = ""
    ) -> tuple[Connection, bool]:
        """Tie a repository (its full name) to a flow; the connection, and False if it was there before.

        `flow` is the flow's name (`organization/flow`), empty where nobody tells.
        """
        for known in await self.connections():
            if known.repository.lower() == repository.lower() and known.flow_token == flow_token:
                return await self.change(known.id, flow=flow or known.flow), False
        connection = Connection(
            id=new_connection_id(),
            repository=repository,
            repository_id=None,
            name=name,
            flow_token=flow_token,
            created_at=int(time.time()),
            flow=flow,
        )
        await self.add(connection)
        return connection, True

    async def add(self, connection: Connection) -> None:
        """Keep a new connection, findable by its repository's id or, until that is known, its name."""
        known = connection.repository_id
        place = (
            keys.unbound_connections(connection.repository) if known is None else keys.connections_of(known)
        )
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.connection(connection.id), self._dump_connection(connection))
            pipe.sadd(keys.CONNECTIONS, connection.id)
            pipe.sadd(place, connection.id)
            pipe.incr(keys.CONNECTIONS_CHANGES)
            await pipe.execute()

    async def connections(self) -> list[Connection]:
        """All connections, the oldest first."""
        found = await self._load_connections(await self._redis.smembers(keys.CONNECTIONS))
        return sorted(found, key=lambda connection: (connection.created_at, connection.id))

    async def connection(self, connection_id: str) -> Connection | None:
        """A connection, None if it was removed."""
        data = await self._redis.get(keys.connection(connection_id))
        return self._load_connection(data) if data else None

    async def set_options(self, connection_id: str, options: Options) -> Connection:
        """Change what a connection's flow hears of; raises `NotFound`."""
        return await self.change(connection_id, options=options)

    async def change(self, connection_id: str, **changes: Any) -> Connection:
        """Change some of a connection's fields, and nothing that is changed meanwhile; raises `NotFound`."""
        while data := await self._redis.get(keys.connection(connection_id)):
            changed = replace(self._load_connection(data), **changes)
            if await self._change(
                keys=[keys.connection(connection_id), keys.CONNECTIONS_CHANGES],
                args=[data, self._dump_connection(changed)],
            ):
                return changed
        raise NotFound(f"there is no connection {connection_id}")

    async def connections_for(self, repository_id: int, full_name: str) -> list[Connection]:
        """The connections of a repository; those made by its present name are tied to its id for good."""
        repository = repository_id, full_name
        [(found, unbound)] = await self._read_connections_of([repository])
        if unbound:
            for connection_id in unbound:
                await self._bind(connection_id.decode(), repository_id, full_name)
            [(found, _)] = await self._read_connections_of([repository])
        return self._in_order(found)

    async def connections_by_id(self, repository_id: int) -> list[Connection]:
        """The connections that are tied to a repository's id."""
        ids = await self._redis.smembers(keys.connections_of(repository_id))
        return sorted(await self._load_connections(ids), key=lambda one: (one.created_at, one.id))

    async def connections_of(self, repositories: Sequence[RepoKey]) -> dict[RepoKey, list[Connection]]:
        """The connections of several repositories, each by id and a name, maybe a former one; read at once.

        Without those of which a connection is not tied to the id yet: `connections_for` does that.
        """
        found = await self._read_connections_of(repositories)
        return {
            repository: self._in_order(connections)
            for repository, (connections, unbound) in zip(repositories, found, strict=True)
            if not unbound
        }

    async def connections_changes(self) -> bytes | None:
        """Another value each time that a connection was made, changed or removed."""
        changes: bytes | None = await self._redis.get(keys.CONNECTIONS_CHANGES)
        return changes

    def _in_order(self, found: Iterable[bytes]) -> list[Connection]:
        return sorted(map(self._load_connection, found), key=lambda one: (one.created_at, one.id))

    async def _read_connections_of(self, repositories: Sequence[RepoKey]) -> Any:
        places: list[str] = []
        for repository_id, full_name in repositories:
            places += keys.connections_of(repository_id), keys.unbound_connections(full_name)
        return await run(self._of_repositories, keys=places, args=[keys.connection("")])

    async def disconnect(self, connection_id: str) -> Connection:
        """Remove a connection and its flow token; raises `NotFound`."""
        connection = await self.connection(connection_id)
        if connection is None:
            raise NotFound(f"there is no connection {connection_id}")
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(keys.connection(connection_id))
            pipe.srem(keys.CONNECTIONS, connection_id)
            pipe.srem(keys.unbound_connections(connection.repository), connection_id)
            if connection.repository_id is not None:
                pipe.srem(keys.connections_of(connection.repository_id), connection_id)
            pipe.incr(keys.CONNECTIONS_CHANGES)
            await pipe.execute()
        return connection

    async def _bind(self, connection_id: str, repository_id: int, full_name: str) -> None:
        name = keys.connection(connection_id)
        places = [keys.connections_of(repository_id), keys.unbound_connections(full_name)]
        while data := await self._redis.get(name):
            bound = replace(self._load_connection(data), repository_id=repository_id)
            if await self._change(
                keys=[name, keys.CONNECTIONS_CHANGES, *places],
                args=[data, self._dump_connection(bound), connection_id],
            ):
                return
        await self._redis.srem(places[1], connection_id)

    async def _load_connections(self, ids: Iterable[bytes]) -> list[Connection]:
        names = [keys.connection(connection_id.decode()) for connection_id in ids]
        found = await self._redis.mget(names) if names else []
        return [self._load_connection(data) for data in found if data]

    def _dump_connection(self, connection: Connection) -> bytes:
        place = f"connection:{connection.id}"
        sealed = self._vault.seal(connection.flow_token.encode(), place=place).decode()
        return orjson.dumps({**asdict(connection), "flow_token": sealed})

    def _read_connection(self, data: bytes) -> Connection:
        fields = orjson.loads(data)
        place = f"connection:{fields['id']}"
        flow_token = self._vault.open(fields["flow_token"].encode(), place=place).decode()
        options = Options.read(fields.pop("options", {}))
        trouble = Problem(**fields["trouble"]) if fields.get("trouble") else None
        return Connection(**{**fields, "flow_token": flow_token, "options": options, "trouble": trouble})

    # People

    async def note_act(self, flowdock_user: str, act: AuditEntry) -> None:
        """Remember what was done in a person's name; the newest are kept."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.lpush(keys.acts(flowdock_user), orjson.dumps(act))
            pipe.ltrim(keys.acts(flowdock_user), 0, MAX_ACTS - 1)
            pipe.expire(keys.acts(flowdock_user), ACTS_SECONDS)
            await pipe.execute()

    async def acts(self, flowdock_user: str) -> list[AuditEntry]:
        """What was done in a person's name, the newest first."""
        found = await self._redis.lrange(keys.acts(flowdock_user), 0, -1)
        return [AuditEntry(**orjson.loads(act)) for act in found]

    # Webhooks

    async def note_ping(self, hook_id: int, *, repository_id: int = 0) -> None:
        """Remember that a webhook's ping came: GitHub reaches bridge, and both know the same secret.

        `repository_id` is what the ping's secret speaks for, 0 for a ping about no repository.
        """
        await self._redis.set(keys.ping(repository_id, hook_id), str(time.time()), ex=PING_SECONDS)

    async def pinged_at(self, hook_id: int, *, repository_id: int = 0) -> float:
        """When the ping of a repository's webhook came last, in Unix seconds; 0 if none within a day."""
        found = await self._redis.get(keys.ping(repository_id, hook_id))
        return float(found) if found else 0

    def account_lock(self, flowdock_user: str) -> Lock:
        """Held by whoever renews or removes a user's GitHub token."""
        lock: Lock = self._redis.lock(
            keys.refreshing(flowdock_user), timeout=REFRESH_LOCK_SECONDS, blocking_timeout=LOCK_WAIT_SECONDS
        )
        return lock

    # Values that serve once

    async def put_once(self, kind: str, name: str, value: dict[str, Any], *, seconds: int) -> None:
        """Keep a value for `take_once`, encrypted, for at most `seconds`."""
        sealed = self._vault.seal(orjson.dumps(value), place=f"{kind}:{name}")
        await self._redis.set(keys.once(kind, name), sealed, ex=seconds)

    async def take_once(self, kind: str, name: str) -> dict[str, Any] | None:
        """The value, which is gone then; None if it was taken, has expired or never was."""
        return self._load_once(kind, name, await self._redis.getdel(keys.once(kind, name)))

    async def look_once(self, kind: str, name: str) -> dict[str, Any] | None:
        """The value, which stays."""
        return self._load_once(kind, name, await self._redis.get(keys.once(kind, name)))

    def _load_once(self, kind: str, name: str, sealed: bytes | None) -> dict[str, Any] | None:
        if sealed is None:
            return None
        value: dict[str, Any] = orjson.loads(self._vault.open(sealed, place=f"{kind}:{name}"))
        return value

    async def use_token(self, token_id: str, *, expires_at: int) -> bool:
        """Note that a FLOWDOCK-TOKEN was used; False if it was before."""
        lifetime = max(1, expires_at - int(time.time()) + 1)
        return bool(await self._redis.set(keys.used_token(token_id), b"", nx=True, ex=lifetime))

    async def ping(self) -> None:
        """Raise redis-py's error if Redis does not answer."""
        await self._redis.ping()
