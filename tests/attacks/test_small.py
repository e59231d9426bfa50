"""Small attacks and their kinds: addresses that run scripts, tags for strangers, cookies, secrets, files."""

import copy
import json
import re

import pytest

from bridge.core import urls
from tests.conftest import House
from tests.core.test_urls import misled
from tests.payloads import pull_request
from tests.worker_kit import idle

SCRIPT = "javascript:alert(document.domain)//"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_no_address_that_a_payload_names_runs_a_script(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """A pull request with a status, of which each address is a script's."""
    if not guarded:
        monkeypatch.setattr(urls, "_WEB", re.compile(r".*", re.DOTALL))
    await house.connect()
    opened = await pull_request(house)
    told = misled(copy.deepcopy(opened), SCRIPT) if guarded else opened
    head = opened["pull_request"]["head"]["sha"]
    status = {
        "sha": head,
        "state": "failure",
        "context": "ci",
        "target_url": SCRIPT,
        "updated_at": "2030-01-01T00:00:00Z",
    }
    house.start_worker()
    assert (await house.deliver(told)).status == 202
    assert (await house.deliver({**status, "repository": opened["repository"]}, event="status")).status == 202
    await idle(house)
    # What bridge sends, that is: the stand-in Flowdock refuses the script, and with it the whole thread.
    sent = [call.body for call in house.flowdock_journal.calls if call.path == "/messages"]
    assert any("ci" in json.loads(body)["title"] for body in sent)
    assert any("javascript" in body for body in sent) != guarded
    assert (len(await house.messages()) == 2) == guarded
