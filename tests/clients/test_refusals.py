"""The clients' words on a refusal are a whole sentence, even if the answer gives no reason."""

import itertools

import pytest

from bridge.core.errors import BridgeError
from scripts.sandbox.faults import Fault
from tests.clients.test_redirects import CALLS
from tests.conftest import House

STATUSES = (200, 400, 401, 403, 404, 409, 422, 429, 500, 503)
ANSWERS = ("", " ", "{}", '{"message": ""}')

# GraphQL refuses with 200.
REFUSALS = [*itertools.product(STATUSES, ANSWERS), (200, '{"errors": [{}]}')]


@pytest.mark.parametrize(("status", "answer"), REFUSALS)
async def test_a_refusal_without_a_reason_ends_in_no_colon(house: House, status: int, answer: str) -> None:
    for name, ask in CALLS.items():
        for journal in (house.github_journal, house.flowdock_journal):
            fault = Fault(path=".*", times=99, status=status, answer=answer)
            fault.headers["Content-Type"] = "application/json"
            journal.faults[:] = [fault]
        try:
            await ask(house.services)
        except BridgeError as error:
            assert not str(error).rstrip().endswith((":", "None")), (name, str(error))
