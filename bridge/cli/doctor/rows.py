"""The rows of the doctor's table, and the one way in which a check may end: with rows, soon."""

import asyncio
from collections.abc import Awaitable
from typing import Literal, NamedTuple

import aiohttp
from redis.exceptions import RedisError

from bridge.core.errors import BridgeError

SECONDS = 10
"""How long a check may take."""

State = Literal["fine", "warn", "wrong"]


class Row(NamedTuple):
    """What was looked at, how it is, and what to do (or, where it is fine, what was seen)."""

    check: str
    state: State
    to_do: str = ""


async def bounded(check: str, rows: Awaitable[list[Row]], *, seconds: float = SECONDS) -> list[Row]:
    """The rows of a check; a row that says so where it fails or takes too long. Raises nothing."""
    try:
        async with asyncio.timeout(seconds):
            return await rows
    except TimeoutError:
        return [Row(check, "wrong", f"there was no answer within {seconds:g} s")]
    except BridgeError as error:
        return [Row(check, "wrong", str(error))]
    except RedisError as error:
        return [Row(check, "wrong", f"Redis refuses or does not answer ({type(error).__name__})")]
    except (aiohttp.ClientError, OSError) as error:
        return [Row(check, "wrong", f"it cannot be reached ({type(error).__name__})")]
    except Exception as error:
        # Only the kind is told: the words of an error that nobody expected may hold a secret.
        return [Row(check, "wrong", f"it cannot be checked ({type(error).__name__})")]
