"""One recorded-shape payload, made by the stand-in GitHub (whose tests hold it against GitHub's schemas)."""

import base64
import copy
import random
from typing import Any

from tests.conftest import House


async def pull_request(house: House, action: str = "opened", **changes: Any) -> dict[str, Any]:
    """The payload of an `opened` delivery with `changes` to its pull request, sent nowhere."""
    await house.http.post(f"{house.github}/_sandbox/webhooks", json={"mode": "hold"})
    await house.hook()
    await house.act("ann-gh", "open", title="Fix bug in thread API", body="", head="fix", base="main")
    async with house.http.get(f"{house.github}/_sandbox/webhooks") as response:
        held = (await response.json())["held"]
    await house.http.post(f"{house.github}/_sandbox/webhooks/release", json={"order": [], "drop": True})
    payload = copy.deepcopy(next(one["payload"] for one in held if one["event"] == "pull_request"))
    payload["action"] = action
    payload["pull_request"].update(changes)
    return dict(payload)


def badly_packed(size: int, *, seed: int = 1) -> str:
    """Return a text that compression makes a fifth smaller at most."""
    return base64.b85encode(random.Random(seed).randbytes(size)).decode()[:size]
