"""Atomic steps that Redis runs: `NAME.lua` in the folder `lua` of the package that calls it.

A script names its keys and arguments at its top. Files that begin with `_` are parts that scripts include.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

from bridge.storage.redis import Executor, Pipeline

_INCLUDE = re.compile(r"^-- include (\w+)\n", re.MULTILINE)


@cache
def source(package: str, name: str) -> str:
    """Read a script, its parts included."""
    text = (files(package) / "lua" / f"{name}.lua").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda part: source(package, part[1]), text)


class Script:
    """A script for one Redis."""

    def __init__(self, redis: Executor, text: str) -> None:
        self._redis = redis
        self._text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, *, keys: Sequence[str | bytes], args: Iterable[object] = ()) -> Any:
        """Run the script: by its hash, or with its text if the server does not know it yet."""
        try:
            return await self._redis.execute_command("EVALSHA", self._sha, len(keys), *keys, *args)
        except NoScriptError:
            return await self._redis.execute_command("EVAL", self._text, len(keys), *keys, *args)

    def add_to(self, pipe: Pipeline, *, keys: Sequence[str | bytes], args: Iterable[object] = ()) -> None:
        """Add the script to a pipeline."""
        pipe.execute_command("EVAL", self._text, len(keys), *keys, *args)


def load_script(redis: Executor, package: str, name: str) -> Script:
    """Load a script for this Redis."""
    return Script(redis, source(package, name))
