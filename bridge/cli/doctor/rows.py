"""The rows of the doctor's table, and the bounds of a check."""

import asyncio
from collections.abc import Awaitable
from typing import Literal, NamedTuple

import aiohttp
from redis.exceptions import RedisError

from bridge.core.errors import BridgeError

SECONDS = 10
"""For one check."""

State = Literal["fine", "warn", "wrong"]


Finding = tuple[State, str]
"""A state and what to do; where it is fine, what was found."""


class CheckRow(NamedTuple):
    """A check, its state, and what to do; where it is fine, the finding."""

    check: str
    state: State
    to_do: str = ""


async def row_of(check: str, finding: Awaitable[Finding]) -> list[CheckRow]:
    """Return the row of a check that finds one thing, within its bounds."""

    async def rows() -> list[CheckRow]:
        return [CheckRow(check, *await finding)]

    return await bounded(check, rows())


async def bounded(check: str, rows: Awaitable[list[CheckRow]], *, seconds: float = SECONDS) -> list[CheckRow]:
    """Return the rows of a check, or one that says why it failed; raises nothing."""
    try:
        async with asyncio.timeout(seconds):
            return await rows
    except TimeoutError:
        return [CheckRow(check, "wrong", f"no answer within {seconds:g} s")]
    except BridgeError as error:
        return [CheckRow(check, "wrong", str(error))]
    except RedisError as error:
        return [CheckRow(check, "wrong", f"Redis refused or did not answer ({type(error).__name__})")]
    except (aiohttp.ClientError, OSError) as error:
        return [CheckRow(check, "wrong", f"it is unreachable ({type(error).__name__})")]
    except Exception as error:
        # Only the kind is shown: the words of an unexpected error may hold a secret.
        return [CheckRow(check, "wrong", f"the check itself failed ({type(error).__name__})")]
