"""A thread for work on large bodies, which would block the event loop.

In one thread, since Python lets one work at a time anyway: what they make is in memory one after the other.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

LARGE = 1024 * 1024
"""Bytes from which a body is large: for a smaller one, a thread costs more than it saves."""

Given = ParamSpec("Given")
Result = TypeVar("Result")

_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-bodies")


async def off_loop(
    size: int, function: Callable[Given, Result], /, *args: Given.args, **named: Given.kwargs
) -> Result:
    """Return the result of `function`, whose arguments hold `size` bytes of a body."""
    if size <= LARGE:
        return function(*args, **named)
    return await asyncio.get_running_loop().run_in_executor(_THREAD, partial(function, *args, **named))
