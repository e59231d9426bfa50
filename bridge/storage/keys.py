"""The names of bridge's keys in Redis, in one place.

What one atomic step may touch shares a hash tag (the part in braces), so that it lies on one node of a Redis
Cluster: all of one repository that of its partition, all connections one, all accounts one, and so on.
https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
"""

import hashlib
import zlib
from functools import lru_cache
from typing import Literal

PARTITIONS = 32
"""How many pieces the queue is cut into; a repository lies whole in one. Fixed for an installation."""

WORKERS = "bridge:workers"
CONNECTIONS = "bridge:{connections}:ids"
CONNECTIONS_CHANGES = "bridge:{connections}:changes"
"""How often a connection was made, changed or removed: what was read before the last time is read again."""
REPOSITORY_IDS = "bridge:{repositories}:ids"
"""Hash: a repository's full name, present or former, in lower case → its id."""
REPOSITORY_FORMER_IDS = "bridge:{repositories}:former-ids"
"""Hash: a full name in lower case → the id that had it before GitHub said that another one has it."""
REPOSITORY_NAMES = "bridge:{repositories}:names"
"""Hash: a repository's id → its present full name."""
REPOSITORY_NAMED_AT = "bridge:{repositories}:named-at"
"""Hash: a repository's id → when a delivery last told its name."""
LINKED = "bridge:{accounts}:linked"
"""Hash: a Flowdock user's id → the GitHub login of the account they linked."""
GITHUB_APP = "bridge:github-app"
"""The GitHub App made at /github/manifest, encrypted whole."""
INTENTS = "bridge:{intents}:ids"
"""The set of the connectings under way, and of those that a crash cut short."""
WATCH = "bridge:watch"
"""Sorted set: pull requests to ask GitHub about, by when."""
UPDATES = "bridge:updates"
"""Sorted set: pull requests whose threads have to be brought up to date, by when."""
CHECKUPS = "bridge:{checkups}:due"
"""Sorted set: connections to look at soon, by when."""
CHECKUP_HINTS = "bridge:{checkups}:hints"
"""Hash: what an event told about a connection that waits for a checkup."""
CARETAKER = "bridge:caretaker"
"""Names the instance that looks after all connections, while it lives."""


def hash_of(secret: str) -> str:
    """Name what a secret gives access to by the secret's hash: a dump of Redis opens nothing."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


@lru_cache(maxsize=4096)
def partition_of(repository_id: int) -> int:
    """The partition that a repository's deliveries, snapshots and messages lie in."""
    return zlib.crc32(str(repository_id).encode()) % PARTITIONS


def _in(partition: int, name: str) -> str:
    return f"bridge:{{{partition}}}:{name}"


def seen(partition: int, delivery_id: str) -> str:
    """Marks a delivery id as taken."""
    return _in(partition, f"seen:{delivery_id}")


def signed(partition: int, signature: str) -> str:
    """The id under which a delivery with this signature came first."""
    return _in(partition, f"signed:{signature}")


def received(partition: int) -> str:
    """When a delivery was taken last, in Unix seconds."""
    return _in(partition, "received")


def inbox(partition: int) -> str:
    """The stream of deliveries not yet translated."""
    return _in(partition, "inbox")


def outbox(partition: int) -> str:
    """The stream of messages not yet posted."""
    return _in(partition, "outbox")


def attempts(partition: int) -> str:
    """The hash of what was tried in vain, by entry."""
    return _in(partition, "tries")


def dead(partition: int) -> str:
    """The stream of dead letters."""
    return _in(partition, "dead")


def dead_index(partition: int) -> str:
    """The sorted set of dead letters by repository, the oldest first: `REPO/ENTRY/BYTES`."""
    return _in(partition, "graves")


def backlog(partition: int) -> str:
    """The hash of how many bytes wait, by repository; `all` and `dead` are sums."""
    return _in(partition, "bytes")


def taken(partition: int, day: int) -> str:
    """The hash of how many deliveries were taken on a day (since 1970), by repository."""
    return _in(partition, f"taken:{day}")


def lease(partition: int) -> str:
    """Names the worker that has the partition, while it lives."""
    return _in(partition, "lease")


def fence(partition: int) -> str:
    """Tells the partition's owner from those before: a write by an earlier one is refused."""
    return _in(partition, "fence")


def _of(repository_id: int, kind: str, name: object = "") -> str:
    return f"bridge:{{{partition_of(repository_id)}}}:{kind}:{repository_id}:{name}"


def snapshot(repository_id: int, number: int) -> str:
    """A pull request's snapshot."""
    return _of(repository_id, "snapshot", number)


def checks(repository_id: int, sha: str) -> str:
    """A commit's checks."""
    return _of(repository_id, "checks", sha)


def heads(repository_id: int, sha: str) -> str:
    """The set of pull requests whose head a commit is or was."""
    return _of(repository_id, "heads", sha)


def kept(repository_id: int, what: Literal["pulls", "commits"]) -> str:
    """The sorted set of what is kept of a repository's pull requests, or commits, the oldest first."""
    return _of(repository_id, "kept", what)


def open_pulls(repository_id: int) -> str:
    """The set of a repository's open pull requests."""
    return _of(repository_id, "open")


def shown(repository_id: int, number: int) -> str:
    """The head commit that a pull request's thread showed last."""
    return _of(repository_id, "shown", number)


def journal(repository_id: int) -> str:
    """The list of what became of a repository's newest deliveries."""
    return _of(repository_id, "journal")


def counts(repository_id: int, hour: int) -> str:
    """The hash of how many were posted, skipped or buried in an hour (since 1970), by connection.

    One for all of the partition's repositories.
    """
    return _in(partition_of(repository_id), f"counts:{hour}")


def connection(connection_id: str) -> str:
    """A connection, its flow token encrypted."""
    return f"bridge:{{connections}}:connection:{connection_id}"


def connections_of(repository_id: int) -> str:
    """The set of connections of a repository known by its id."""
    return f"bridge:{{connections}}:repository:{repository_id}"


def unbound_connections(full_name: str) -> str:
    """The set of connections made by name, of which no delivery has told the repository's id yet."""
    return f"bridge:{{connections}}:unbound:{full_name.lower()}"


def account(flowdock_user: str) -> str:
    """A linked account, its token encrypted."""
    return f"bridge:{{accounts}}:account:{flowdock_user}"


def linked_to(github_id: object) -> str:
    """The set of Flowdock users who act as the GitHub account with this id."""
    return f"bridge:{{accounts}}:linked-to:{github_id}"


def linked_as(login: str) -> str:
    """The set of Flowdock users whose linked account carries a GitHub login."""
    return f"bridge:{{accounts}}:linked-as:{login.lower()}"


def refreshing(flowdock_user: str) -> str:
    """The lock for renewing a user's GitHub token."""
    return f"bridge:refreshing:{flowdock_user}"


def connecting(repository_id: int) -> str:
    """The lock for connecting and disconnecting a repository."""
    return f"bridge:connecting:{repository_id}"


def intent(intent_id: str) -> str:
    """The intent of a connect, with an access token: encrypted."""
    return f"bridge:{{intents}}:intent:{intent_id}"


def used_token(token_id: str) -> str:
    """Marks a FLOWDOCK-TOKEN as used."""
    return f"bridge:used:{token_id}"


def acts(flowdock_user: str) -> str:
    """The list of what was done in a person's name lately."""
    return f"bridge:acts:{flowdock_user}"


def webhook(name: str) -> str:
    """A webhook of bridge's own making, by the hash of the key in its address, with its secret: encrypted."""
    return f"bridge:{{webhooks}}:webhook:{name}"


def members(flow: str) -> str:
    """The sorted set of the Flowdock users in a flow, by until when that is believed."""
    return f"bridge:members:{flow.lower()}"


def webhooks_of(repository_id: int) -> str:
    """The sorted set of a repository's webhook keys, by when they were made."""
    return f"bridge:{{webhooks}}:repository:{repository_id}"


def making_webhook(repository_id: int) -> str:
    """The lock for giving a repository's webhook a new key."""
    return f"bridge:making-webhook:{repository_id}"


def ping(repository_id: int, hook_id: int) -> str:
    """When the ping of a repository's webhook came last."""
    return f"bridge:ping:{repository_id}:{hook_id}"


def handovers(flowdock_user: str) -> str:
    """Sorted set: what a user asks administrators to connect, by when that ends; each by its id's hash."""
    return f"bridge:handovers:{flowdock_user}"


def asked(guid: str) -> str:
    """The number of redeliveries requested for the delivery `guid`."""
    return f"bridge:asked:{guid}"


def once(kind: str, name: str) -> str:
    """A value that serves once: a claim, an OAuth state, a link to confirm, a click to finish."""
    return f"bridge:once:{kind}:{name}"
