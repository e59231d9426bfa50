"""All names of keys in Redis.

The keys of one atomic step share a hash tag (the part in braces), so that one node of a Redis Cluster holds
them: all keys of a partition, of connections, of accounts, and so on.
https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
"""

import hashlib
import zlib
from functools import lru_cache
from typing import Literal

PARTITIONS = 32
"""The number of the queue's partitions; a repository lies whole in one. Fixed for an installation."""

WORKERS = "bridge:workers"
CONNECTIONS = "bridge:{connections}:ids"
CONNECTIONS_CHANGES = "bridge:{connections}:changes"
"""The number of changes to connections: whatever was read before the last one is read again."""
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
INBOX_APPLICATION = "inbox:{main}:application"
"""The OAuth application that bridge is to its own inbox, encrypted whole."""
INTENTS = "bridge:{intents}:ids"
"""Set: connects under way, and those that a crash interrupted."""
WATCH = "bridge:watch"
"""Sorted set: pull requests to ask GitHub about, by when."""
UPDATES = "bridge:updates"
"""Sorted set: pull requests whose threads have to be brought up to date, by when."""
READINGS = "bridge:{readings}:due"
"""Sorted set: logs of failed jobs and small diffs to read, by when."""
READING_NOTES = "bridge:{readings}:notes"
"""Hash: claims on readings."""
CHECKUPS = "bridge:{checkups}:due"
"""Sorted set: connections to look at soon, by when."""
CHECKUP_HINTS = "bridge:{checkups}:hints"
"""Hash: the hint of the newest event about a connection that waits for a checkup."""
CARETAKER = "bridge:caretaker"
"""Names the process that monitors all connections, while it lives."""


def hash_of(secret: str) -> str:
    """Hash a secret, to name what it gives access to: a dump of Redis then opens nothing."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


@lru_cache(maxsize=4096)
def partition_of(repository_id: int) -> int:
    """Return the partition of a repository's deliveries, snapshots and messages."""
    return zlib.crc32(str(repository_id).encode()) % PARTITIONS


def _in(partition: int, name: str) -> str:
    return f"bridge:{{{partition}}}:{name}"


def seen(partition: int, delivery_id: str) -> str:
    """A mark that a delivery id was taken."""
    return _in(partition, f"seen:{delivery_id}")


def signed(partition: int, signature: str) -> str:
    """The first delivery id with this signature."""
    return _in(partition, f"signed:{signature}")


def received(partition: int) -> str:
    """The time of the last delivery, in Unix seconds."""
    return _in(partition, "received")


def inbox(partition: int) -> str:
    """Stream: deliveries not yet translated."""
    return _in(partition, "inbox")


def outbox(partition: int) -> str:
    """Stream: messages not yet posted."""
    return _in(partition, "outbox")


def attempts(partition: int) -> str:
    """Hash: failed attempts, by entry."""
    return _in(partition, "tries")


def dead(partition: int) -> str:
    """Stream: dead letters."""
    return _in(partition, "dead")


def dead_index(partition: int) -> str:
    """Sorted set: dead letters by repository, the oldest first (`REPO/ENTRY/BYTES`)."""
    return _in(partition, "graves")


def backlog(partition: int) -> str:
    """Hash: bytes that wait, by repository; `all` and `dead` are sums."""
    return _in(partition, "bytes")


def taken(partition: int, day: int) -> str:
    """Hash: deliveries taken on a day (since 1970), by repository."""
    return _in(partition, f"taken:{day}")


def lease(partition: int) -> str:
    """The worker that holds the partition."""
    return _in(partition, "lease")


def fence(partition: int) -> str:
    """The number of the partition's owners so far: a write of an earlier one is refused."""
    return _in(partition, "fence")


def _of(repository_id: int, kind: str, name: object = "") -> str:
    return f"bridge:{{{partition_of(repository_id)}}}:{kind}:{repository_id}:{name}"


def snapshot(repository_id: int, number: int) -> str:
    """A pull request's snapshot."""
    return _of(repository_id, "snapshot", number)


def checks(repository_id: int, sha: str) -> str:
    """A commit's checks."""
    return _of(repository_id, "checks", sha)


def rules(repository_id: int) -> str:
    """Hash: the rules of a repository's branches, by branch."""
    return _of(repository_id, "rules")


def branch_asked(repository_id: int, about: str, branch: str) -> str:
    """A mark that a branch's rules, or its merge queue, were asked for just now."""
    return _of(repository_id, f"{about}-asked", branch)


def readings_made(repository_id: int) -> str:
    """The number of readings for a repository in this hour."""
    return _of(repository_id, "readings-made")


def heads(repository_id: int, sha: str) -> str:
    """Set: pull requests whose head a commit is or was."""
    return _of(repository_id, "heads", sha)


def kept(repository_id: int, what: Literal["pulls", "commits"]) -> str:
    """Sorted set: a repository's stored pull requests or commits, the oldest first."""
    return _of(repository_id, "kept", what)


def open_pulls(repository_id: int) -> str:
    """Set: a repository's open pull requests."""
    return _of(repository_id, "open")


def shown(repository_id: int, number: int) -> str:
    """The head commit that a pull request's thread last showed."""
    return _of(repository_id, "shown", number)


def journal(repository_id: int) -> str:
    """List: the outcomes of a repository's newest deliveries."""
    return _of(repository_id, "journal")


def counts(repository_id: int, hour: int) -> str:
    """Hash: outcomes in an hour (since 1970), by connection, for all repositories of the partition."""
    return _in(partition_of(repository_id), f"counts:{hour}")


def connection(connection_id: str) -> str:
    """A connection, its flow token encrypted."""
    return f"bridge:{{connections}}:connection:{connection_id}"


def connections_of(repository_id: int) -> str:
    """Set: connections bound to a repository's id."""
    return f"bridge:{{connections}}:repository:{repository_id}"


def unbound_connections(full_name: str) -> str:
    """Set: connections made by name, of which no delivery has told the repository's id yet."""
    return f"bridge:{{connections}}:unbound:{full_name.lower()}"


WEB_URL = "bridge:web-url"
"""The WEB_URL of the last start."""


def server(kind: str) -> str:
    """The address of the server whose ids Redis keeps."""
    return f"bridge:server:{kind}"


def account(flowdock_user: str) -> str:
    """A linked account, its token encrypted."""
    return f"bridge:{{accounts}}:account:{flowdock_user}"


def linked_to(github_id: object) -> str:
    """Set: Flowdock users who linked the GitHub account with this id."""
    return f"bridge:{{accounts}}:linked-to:{github_id}"


def linked_as(login: str) -> str:
    """Set: Flowdock users whose linked account has a login."""
    return f"bridge:{{accounts}}:linked-as:{login.lower()}"


def refreshing(flowdock_user: str) -> str:
    """Lock: renews a user's GitHub token."""
    return f"bridge:refreshing:{flowdock_user}"


def connecting(repository_id: int) -> str:
    """Lock: connects or disconnects a repository."""
    return f"bridge:connecting:{repository_id}"


def intent(intent_id: str) -> str:
    """The intent of a connect, with an access token: encrypted."""
    return f"bridge:{{intents}}:intent:{intent_id}"


def used_token(token_id: str) -> str:
    """A mark that a FLOWDOCK-TOKEN was used."""
    return f"bridge:used:{token_id}"


def acts(flowdock_user: str) -> str:
    """List: a person's audit log."""
    return f"bridge:acts:{flowdock_user}"


def webhook(name: str) -> str:
    """A webhook made by bridge, by the hash of its key, with its secret: encrypted."""
    return f"bridge:{{webhooks}}:webhook:{name}"


def members(flow: str) -> str:
    """Sorted set: a flow's members, by the time until which that counts."""
    return f"bridge:members:{flow.lower()}"


def webhooks_of(repository_id: int) -> str:
    """Sorted set: a repository's webhook keys, by the time of their making."""
    return f"bridge:{{webhooks}}:repository:{repository_id}"


def making_webhook(repository_id: int) -> str:
    """Lock: gives a repository's webhook a new key."""
    return f"bridge:making-webhook:{repository_id}"


def ping(repository_id: int, hook_id: int) -> str:
    """The time of a webhook's last ping."""
    return f"bridge:ping:{repository_id}:{hook_id}"


def handovers(flowdock_user: str) -> str:
    """Sorted set: a user's open handovers, by the hash of their ids and their end."""
    return f"bridge:handovers:{flowdock_user}"


def asked(guid: str) -> str:
    """The number of redeliveries requested for the delivery `guid`."""
    return f"bridge:asked:{guid}"


def once(kind: str, name: str) -> str:
    """A value that works once: a claim, a sign-in, a session."""
    return f"bridge:once:{kind}:{name}"
