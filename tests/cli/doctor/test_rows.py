"""The doctor's checks run side by side, within a time, each as rows."""

import asyncio

import pytest
from redis.exceptions import ResponseError

from bridge.cli.doctor import rows
from bridge.core.errors import BridgeError
from scripts.sandbox.faults import Fault
from tests.conftest import PATIENCE, eventually
from tests.kits.doctor import Doctor

LIMITS = "/api/v3/rate_limit"


async def test_one_check_waits_for_no_other(asking: Doctor) -> None:
    house = asking.house
    held = Fault(path=LIMITS, delay=PATIENCE)
    house.github_journal.faults.append(held)
    looking = asyncio.create_task(asking.asked())

    async def flowdock_was_asked() -> bool:
        return any(call.path == "/oauth/token" for call in house.flowdock_journal.calls)

    await eventually(flowdock_was_asked)
    assert not any(call.path == LIMITS for call in house.github_journal.calls), "GitHub still thinks"
    held.released.set()
    assert (await looking)["GitHub"][0] == "fine"


async def test_nothing_is_waited_for_longer_than_a_check_may_take() -> None:
    async def forever() -> list[rows.CheckRow]:
        await asyncio.Event().wait()
        return []

    assert await rows.bounded("slow", forever(), seconds=0.01) == [
        rows.CheckRow("slow", "wrong", "no answer within 0.01 s")
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ResponseError("secret"), "Redis refused or did not answer (ResponseError)"),
        (ConnectionResetError("secret"), "it is unreachable (ConnectionResetError)"),
        (KeyError("secret"), "the check itself failed (KeyError)"),
        (BridgeError("a sentence"), "a sentence"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_any_error_of_a_check_is_a_row_without_its_words(error: Exception, words: str) -> None:
    async def failing() -> list[rows.CheckRow]:
        raise error

    assert await rows.bounded("check", failing()) == [rows.CheckRow("check", "wrong", words)]
