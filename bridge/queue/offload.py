"""Work on large bodies in a thread: on the event loop, everybody else would wait for its end.

In one thread, since Python lets one work at a time anyway: what they make is in memory one after the other.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

LARGE = 1024 * 1024
"""From how many bytes on a body is large: a thread for less would cost more than it saves."""

Given = ParamSpec("Given")
Result = TypeVar("Result")

_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-bodies")


async def off_loop(
    size: int, function: Callable[Given, Result], /, *args: Given.args, **named: Given.kwargs
) -> Result:
    """What `function` returns for these arguments, which hold `size` bytes of a body."""
    if size <= LARGE:
        return function(*args, **named)
    return await asyncio.get_running_loop().run_in_executor(_THREAD, partial(function, *args, **named))
