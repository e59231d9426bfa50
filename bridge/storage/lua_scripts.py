"""Atomic steps that Redis runs: `NAME.lua` in the folder `lua` of the package that calls it.

A script names its keys and arguments at its top. Files that begin with `_` are parts that scripts include.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from bridge.storage.client import AnyRedis

_INCLUDE = re.compile(r"^-- include (\w+)\n", re.MULTILINE)


@cache
def source(package: str, name: str) -> str:
    """Read a script, its parts included."""
    text = (files(package) / "lua" / f"{name}.lua").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda part: source(package, part[1]), text)


def load_script(redis: AnyRedis, package: str, name: str) -> AsyncScript:
    """Make a script of this Redis, to call or to `run`."""
    return redis.register_script(source(package, name))


async def run(script: AsyncScript, *, keys: Sequence[str], args: Sequence[Any]) -> Any:
    """Run a script of every delivery: redis-py's own call takes twice as long."""
    client: Any = script.registered_client
    try:
        return await client.execute_command("EVALSHA", script.sha, len(keys), *keys, *args)
    except NoScriptError:
        return await script(keys=list(keys), args=list(args))
