"""Templates of bridge and the stand-ins, compiled once for all the applications that the tests make."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import CodeType

import aiohttp_jinja2
import pytest
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class Compiled(BytecodeCache):
    """Compiled templates in memory, by file, as long as the file is unchanged."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self._found.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._found[bucket.key] = bucket.checksum, bucket.code


@contextmanager
def compiled_once() -> Iterator[None]:
    """Meanwhile no application compiles what another has: that took longer than to show the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aiohttp_jinja2, "setup", partial(aiohttp_jinja2.setup, bytecode_cache=Compiled()))
        yield
