"""Connections of repositories to flows."""

import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import msgspec
import orjson
import structlog

from bridge.core.errors import BridgeError, FlowdockError, NotFound
from bridge.core.model import Connection
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.pulls import PullRequestStore
from bridge.storage.redis import Redis

RepoKey = tuple[int, str]
"""A repository's id, and its full name as a delivery tells it."""

CONNECTION_SECONDS = 1
"""Seconds that a worker relies on a connection it has read: a pause or a removal takes effect after them."""

CONNECTIONS_KEPT = 1024
"""Connections that a process keeps decrypted."""

log = structlog.get_logger()


def new_connection_id() -> str:
    """Make an id for a connection."""
    return secrets.token_hex(4)


class AlreadyConnected(BridgeError):
    """There is such a connection already: both would share the threads, or double them."""

    status = 409


class ConnectionStore:
    """Connections in Redis, their flow tokens encrypted."""

    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis = redis
        self._vault = vault
        self._pulls = PullRequestStore(redis)
        # By its very bytes, so never an older one: the worker reads the same few with every delivery.
        self._load_connection = lru_cache(maxsize=CONNECTIONS_KEPT)(self._read_connection)
        self._compare_and_set = load_script(redis, "bridge.storage", "compare_and_set")
        self._add = load_script(redis, "bridge.storage", "add_connection")
        self._connections_of = load_script(redis, "bridge.storage", "connections_of")

    async def connect(
        self, repository: str, *, flow_token: str, name: str, flow: str = "", source_id: str = ""
    ) -> tuple[Connection, bool]:
        """Connect a repository, by its full name, to a flow; returns False if it was connected before.

        `flow` (`organization/flow`) and `source_id` are Flowdock's, empty where they are not known. Raises as
        `add` does.
        """
        for known in await self.all():
            if known.flow_token == flow_token and await self._is_called(known, repository):
                told = {"flow": flow or known.flow, "source_id": source_id or known.source_id}
                return await self.change(known.id, **told), False
        connection = Connection(
            id=new_connection_id(),
            repository=repository,
            repository_id=None,
            name=name,
            flow_token=flow_token,
            created_at=int(time.time()),
            flow=flow,
            source_id=source_id,
        )
        await self.add(connection)
        return connection, True

    async def add(self, connection: Connection) -> None:
        """Store a new connection, indexed by its repository's id or, while that is unknown, by its name.

        Raises `AlreadyConnected`, also where another process connects the same at this moment.
        """
        known = connection.repository_id
        place = (
            keys.unbound_connections(connection.repository) if known is None else keys.connections_of(known)
        )
        names = [keys.CONNECTIONS_CHANGES, keys.connection(connection.id), keys.CONNECTIONS, place]
        added = False
        while not added:
            version = await self.version()
            name = await self._pulls.present_name(connection)
            for other in await self.all():
                _refuse_second(
                    connection, other, is_same=await self._is_of(other, connection.repository_id, name)
                )
            args = [version or b"", self._dump_connection(connection), connection.id]
            added = bool(await self._add(keys=names, args=args))

    async def all(self) -> list[Connection]:
        """Return all connections, the oldest first."""
        return await self._listed(keys.CONNECTIONS)

    async def get(self, connection_id: str) -> Connection | None:
        """Return a connection, None if it was removed."""
        data = await self._redis.get(keys.connection(connection_id))
        return self._load_connection(data) if data else None

    async def change(self, connection_id: str, **changes: Any) -> Connection:
        """Change fields of a connection, safe from concurrent changes; raises `NotFound`."""
        while data := await self._redis.get(keys.connection(connection_id)):
            changed = replace(self._load_connection(data), **changes)
            if await self._compare_and_set(
                keys=[keys.connection(connection_id), keys.CONNECTIONS_CHANGES],
                args=[data, self._dump_connection(changed)],
            ):
                if changed.repository_id and changes.keys() & {"options", "paused"}:
                    await self._pulls.update_open(changed.repository_id)
                return changed
        raise NotFound(f"there is no connection {connection_id}")

    async def of_repository(self, repository_id: int, full_name: str) -> list[Connection]:
        """Return a repository's connections, and bind those made by its present name to its id."""
        repository = repository_id, full_name
        [(found, unbound)] = await self._read_connections_of([repository])
        if unbound:
            for connection_id in unbound:
                await self._bind(connection_id.decode(), repository_id, full_name)
            [(found, _)] = await self._read_connections_of([repository])
        return self._in_order(found)

    async def by_repository_id(self, repository_id: int) -> list[Connection]:
        """Return the connections bound to a repository's id."""
        return await self._listed(keys.connections_of(repository_id))

    async def of_repositories(self, repositories: Sequence[RepoKey]) -> dict[RepoKey, list[Connection]]:
        """Return the connections of several repositories in one round trip, by id and name.

        Leaves out repositories with a connection that is not bound to the id yet: use `of_repository`.
        """
        found = await self._read_connections_of(repositories)
        return {
            repository: self._in_order(connections)
            for repository, (connections, unbound) in zip(repositories, found, strict=True)
            if not unbound
        }

    async def version(self) -> bytes | None:
        """Return a value that differs after every change of any connection."""
        return await self._redis.get(keys.CONNECTIONS_CHANGES)

    def _in_order(self, found: Iterable[bytes]) -> list[Connection]:
        return sorted(map(self._load_connection, found), key=lambda one: (one.created_at, one.id))

    async def _read_connections_of(self, repositories: Sequence[RepoKey]) -> Any:
        places: list[str] = []
        for repository_id, full_name in repositories:
            places += keys.connections_of(repository_id), keys.unbound_connections(full_name)
        return await self._connections_of(keys=places, args=[keys.connection("")])

    async def remove(self, connection_id: str) -> Connection:
        """Remove a connection and its flow token; raises `NotFound`."""
        connection = await self.get(connection_id)
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

    async def others_of(
        self, connection_id: str, repository_id: int | None, full_name: str
    ) -> list[Connection]:
        """Return a repository's other connections."""
        return [
            other
            for other in await self.all()
            if other.id != connection_id and await self._is_of(other, repository_id, full_name)
        ]

    async def _is_of(self, connection: Connection, repository_id: int | None, full_name: str) -> bool:
        """Tell whether a connection is of a repository: by its id, or by its name where an id is unknown."""
        if connection.repository_id is not None and repository_id is not None:
            return connection.repository_id == repository_id
        return await self._is_called(connection, full_name)

    async def _is_called(self, connection: Connection, full_name: str) -> bool:
        """Tell whether a connection's repository has this name now: another repository may have taken it."""
        return (await self._pulls.present_name(connection)).lower() == full_name.lower()

    async def forget_source(self, connection_id: str, gone: FlowdockError) -> None:
        """Remove a connection whose flow removed the source; does nothing if it is gone already."""
        log.warning("disconnected", connection=connection_id, reason=str(gone))
        with suppress(NotFound):
            await self.remove(connection_id)

    async def _bind(self, connection_id: str, repository_id: int, full_name: str) -> None:
        name = keys.connection(connection_id)
        places = [keys.connections_of(repository_id), keys.unbound_connections(full_name)]
        while data := await self._redis.get(name):
            bound = replace(self._load_connection(data), repository_id=repository_id)
            if await self._compare_and_set(
                keys=[name, keys.CONNECTIONS_CHANGES, *places],
                args=[data, self._dump_connection(bound), connection_id],
            ):
                return
        await self._redis.srem(places[1], connection_id)

    async def _listed(self, place: str) -> list[Connection]:
        """Return the connections whose ids are in a set."""
        ids = await self._redis.smembers(place)
        names = [keys.connection(connection_id.decode()) for connection_id in ids]
        found = await self._redis.mget(names) if names else []
        return self._in_order(data for data in found if data)

    def _dump_connection(self, connection: Connection) -> bytes:
        encrypted = self._vault.encrypt(connection.flow_token.encode(), aad=f"connection:{connection.id}")
        return orjson.dumps({**asdict(connection), "flow_token": encrypted.decode()})

    def _read_connection(self, data: bytes) -> Connection:
        fields = orjson.loads(data)
        flow_token = self._vault.decrypt(
            fields["flow_token"].encode(), aad=f"connection:{fields['id']}"
        ).decode()
        return msgspec.convert({**fields, "flow_token": flow_token}, Connection)


def _refuse_second(new: Connection, known: Connection, *, is_same: bool) -> None:
    if is_same and known.flow and known.flow.lower() == new.flow.lower():
        raise AlreadyConnected(f"{new.repository} is already connected to {new.flow}, as {known.id}")
    if known.flow_token == new.flow_token and not is_same:
        raise AlreadyConnected(f"this flow token already serves {known.repository}, as {known.id}")
