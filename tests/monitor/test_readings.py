"""Readings on GitHub, over the wire: why a job failed, and small diffs. Each is told once, as text."""

import asyncio
import html
import json
import re
from typing import Any

import msgspec
import pytest

from bridge.clients import github_logs
from bridge.core.errors import GitHubRefused
from bridge.core.options import GROUPS, Options
from bridge.monitor import readings
from bridge.storage import keys
from bridge.storage import readings as stored
from bridge.storage.readings import Reading
from scripts.sandbox.faults import Fault
from tests.conftest import House, eventually
from tests.kits.accounts import link
from tests.kits.github_app import made_at_github, open_app_house
from tests.kits.life import Json, drive, tags, text, titles
from tests.kits.monitor import sent
from tests.kits.worker import idle

LOGS = "/api/v3/repositories/[0-9]+/actions/jobs/[0-9]+/logs"
JOB = LOGS.removesuffix("/logs")
BIG = {"filename": "long.py", "patch": "+line\n" * 31}


def start(house: House) -> asyncio.Task[None]:
    task = asyncio.create_task(house.services.github_reader().run())
    house.running.append(task)
    return task


@pytest.fixture
async def prepared(working: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A worker and an open pull request; nobody is linked, and no reader runs."""
    for name in ("IDLE", "SPACING"):
        monkeypatch.setattr(readings, name, 0.02)
    monkeypatch.setattr(stored, "HOLD_SECONDS", 0.2)
    monkeypatch.setattr(stored, "DELAY", 0)
    await drive(working, "clock", {"tick": True})
    await working.act("ann-gh", "open", title="Fix", head="fix", files=[BIG])
    return working


@pytest.fixture
async def reading(prepared: House) -> House:
    """The same with a reader in haste, and somebody who is linked."""
    await link(prepared, "ann")
    start(prepared)
    return prepared


async def fail(house: House, name: str = "test", **fields: Any) -> None:
    await house.act("ann-gh", "check", number=1, name=name, conclusion="failure", **fields)


async def why(house: House, count: int = 1) -> list[Json]:
    """The messages that say why, once there are so many."""

    async def enough() -> list[Json] | None:
        found = [one for one in await house.messages() if one["title"].startswith("Why ")]
        return found if len(found) == count else None

    found: list[Json] = await eventually(enough)
    return found


async def told(house: House) -> None:
    """Wait until GitHub has told all, and nothing is left to post."""
    await sent(house)
    await idle(house)


async def settled(house: House) -> list[Json]:
    """All messages, once nothing is left to read either."""
    await told(house)

    async def over() -> bool:
        return bool(await house.redis.exists(keys.READINGS) == 0)

    await eventually(over)
    await idle(house)
    return await house.messages()


def lines(message: Json) -> list[str]:
    """The lines of the log, as people read them."""
    found = re.findall(r"<pre><code>(.*?)\n?</code></pre>", message.get("body", ""), re.DOTALL)
    return html.unescape(found[0]).split("\n") if found else []


def asked(house: House) -> list[str]:
    """GitHub's calls about jobs; a key of its storage is KEY."""
    paths = [one.path for one in house.github_journal.calls if "/jobs/" in one.path or "/_st" in one.path]
    return [
        re.sub(r"(logs/).+", r"\1KEY", re.sub(r"/\d+", "/N", path.partition("/api/v3")[2] or path))
        for path in paths
    ]


async def test_a_failure_is_followed_by_its_step_and_last_lines(reading: House) -> None:
    log = "collecting\n\x1b[31mE  assert 1 == 2\x1b[0m\n##[warning]slow"
    await fail(reading, step="Run pytest", log=log)
    (message,) = await why(reading)
    assert titles(await reading.messages())[1:] == [
        "Checks: failed: test",
        "Checks: Why test failed: Run pytest",
    ]
    assert re.search(r'href="[^"]+/actions/runs/\d+/job/\d+#step:3:1"', message["title"])
    assert lines(message)[-4:] == [
        "collecting",
        "E  assert 1 == 2",
        "Warning: slow",
        "Error: Process completed with exit code 1.",
    ]
    # The storage refuses a call with a token: the last one has none.
    job = "/repositories/N/actions/jobs/N"
    assert asked(reading) == [job, f"{job}/logs", "/_storage/logs/KEY"]

    await reading.act("cy-gh", "ruleset", queue=True)
    await reading.act("cy-gh", "enqueue", number=1)
    await fail(reading, "merged", queue=True)
    _, of_queue = await why(reading, 2)
    assert text(of_queue["title"]) == "Why merged failed: Run merged"
    assert lines(of_queue)


async def test_a_log_is_text_with_anything_in_it(reading: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_logs, "MAX_BYTES", 2000)
    hostile = [
        "</code></pre></details><script>alert(1)</script>",
        "@ann @bob-gh [x](https://evil.example) ![y](https://evil.example/y.png) ```",
        "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07\u202e\x00",
        "giant " * 100,
    ]
    await fail(reading, step="Run <b>@ann</b>", log="\n".join(["noise " * 20] * 50 + hostile))
    (message,) = await why(reading)
    shown = lines(message)
    assert len(shown) <= 20 and all(len(line) <= 200 for line in shown)
    assert hostile[0] in shown and hostile[1] in shown
    assert "click\\u202e\\u0000" in shown
    assert "<script" not in message["body"] and "<a" not in message["body"]
    assert text(message["title"]) == "Why test failed: Run <b>@ann</b>"
    assert tags([message]) == []
    assert asked(reading)[-2:] == ["/_storage/logs/KEY"] * 2, "the second time from near its end on"

    # What another app says comes with its check.
    await fail(reading, "cover", app="coverage", title="80 %", summary=f"{hostile[0]}\n{hostile[1]}")
    last = (await settled(reading))[-1]
    assert text(last["title"]) == "failed: cover, test"
    assert "<summary>Why cover failed</summary>" in last["body"] and tags([last]) == []
    assert lines(last) == ["80 %", *hostile[:2]]
    assert len(await why(reading)) == 1


Refusal = tuple[str, Fault, int, list[str]]
"""The case, the fault, the seconds that a log may be late, and the last titles."""

FAILED = ["failed: test"]
STEP = [*FAILED, "Why test failed: Run test"]
REFUSALS: list[Refusal] = [
    ("a log that has expired", Fault(path=LOGS, status=410, answer="{}"), 0, STEP),
    ("a log that is not there yet", Fault(path=LOGS, status=404, answer="{}", times=2), 60, STEP),
    ("rights that do not reach", Fault(path=JOB, status=404, answer="{}", times=3), 0, FAILED),
    ("a limit that is over soon", Fault(path=JOB, status=429, answer="{}"), 0, STEP),
    ("a storage that fails", Fault(path="/_storage/.*", cut="before"), 60, STEP),
    ("an answer that is none", Fault(path=JOB, status=200, answer="[]"), 0, STEP),
]


async def test_an_unreadable_log_is_left_out_or_read_later(
    reading: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for what, fault, late, expected in REFUSALS:
        monkeypatch.setattr(readings, "LATE_SECONDS", late)
        await reading.act("ann-gh", "push", number=1)
        before = len(await settled(reading))
        reading.github_journal.faults = [fault]
        await fail(reading)
        messages = (await settled(reading))[before:]
        assert [text(one["title"]) for one in messages] == expected, what
        assert bool(lines(messages[-1])) == (expected == STEP and fault.status != 410), what


@pytest.mark.parametrize(
    "address",
    [
        *(
            "http://127.0.0.1:{port}/log",
            "http://localhost:{port}/log",
            "http://[::ffff:127.0.0.1]:{port}/log",
        ),
        *("http://169.254.169.254/latest", "https://example.com/log", "file:///etc/passwd", ""),
    ],
)
async def test_a_log_is_not_read_from_a_private_network(address: str) -> None:
    async def reached(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        raise AssertionError("reached")

    server = await asyncio.start_server(reached, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(GitHubRefused):
            await github_logs.read_end(address.format(port=port), "http://github.example")


async def test_where_the_app_is_installed_nobody_needs_to_be_linked(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IDLE", "SPACING"):
        monkeypatch.setattr(readings, name, 0.02)
    monkeypatch.setattr(stored, "DELAY", 0)
    async with open_app_house(redis_url) as house:
        await made_at_github(house)
        await house.connect()
        await drive(house, "clock", {"tick": True})
        house.start_worker()
        start(house)
        small = {"filename": "a.py", "patch": "+one"}
        await house.act("ann-gh", "open", title="Fix", head="fix", files=[small])
        await settled(house)
        await fail(house)
        (message,) = await why(house)
        assert lines(message)
        found = [text(one["title"])[:7] for one in await settled(house)]
        assert found[1:] == ["Diff of", "failed:", "Why tes"]
        tokens = [one.path for one in house.github_journal.calls if one.path.endswith("/access_tokens")]
        assert len(tokens) == 1, "one for both, within an hour"

        # If its token is no longer valid, a linked account reads.
        house.github_journal.faults = [Fault(path=JOB, status=401, answer="{}")]
        await link(house, "ann")
        await house.act("ann-gh", "push", number=1)
        await fail(house)
        assert lines((await why(house, 2))[1])


async def test_a_reading_outlives_its_reader_and_is_told_once(prepared: House) -> None:
    await link(prepared, "ann")
    await fail(prepared)

    async def taken() -> Reading | None:
        return await prepared.services.pulls.readings.next()

    lost: Reading = await eventually(taken)
    start(prepared)
    await why(prepared)
    # Another one died after it had told.
    await prepared.services.pulls.readings.ask(lost)
    await settled(prepared)
    assert len(await why(prepared)) == 1
    assert len(asked(prepared)) == 6


async def test_nothing_is_read_in_vain(prepared: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await fail(prepared)
    start(prepared)
    await settled(prepared)
    assert asked(prepared) == [], "nobody is linked"

    await link(prepared, "ann")
    monkeypatch.setattr(stored, "DELAY", 1000)
    await prepared.act("ann-gh", "push", number=1)
    await fail(prepared)
    await told(prepared)
    (waiting,) = await prepared.redis.zrange(keys.READINGS, 0, -1)
    await prepared.act("ann-gh", "rerun", number=1)
    monkeypatch.setattr(stored, "DELAY", 0)
    await prepared.services.pulls.readings.ask(msgspec.json.decode(waiting, type=Reading))
    assert [text(one["title"]) for one in await settled(prepared)][-1] == "Re-running 1 check"

    calls = len(asked(prepared))
    monkeypatch.setattr(stored, "BUDGET", 2)
    await fail(prepared)
    await settled(prepared)
    assert len(asked(prepared)) == calls, "the second one was its last in this hour"

    (connection,) = await prepared.services.connections.all()
    muted = Options(groups=tuple(group for group in GROUPS if group != "checks"))
    await prepared.services.connections.change(connection.id, options=muted)
    monkeypatch.setattr(stored, "BUDGET", 100)
    await prepared.act("ann-gh", "push", number=1)
    await fail(prepared)
    await settled(prepared)
    assert len(asked(prepared)) == calls


def diffs(house: House) -> int:
    """The number of calls for a diff."""
    return sum(one.path.endswith("/files") for one in house.github_journal.calls)


async def test_a_small_diff_is_shown_once_and_as_text(reading: House) -> None:
    assert diffs(reading) == 0, "the first pull request changes more"
    patch = "@@ -1 +1,2 @@\n-old\n+```\n+</code><b>@ann</b> https://evil.example"
    files = [
        {"filename": "a <b>.py", "patch": patch},
        {"filename": "new.py", "previous": "old.py", "status": "renamed"},
    ]
    pull = await reading.act("ann-gh", "open", title="Small", head="small", draft=True, files=files)
    await settled(reading)
    assert diffs(reading) == 0, "nobody looks at a draft"

    await reading.act("ann-gh", "ready", number=2)
    shown = (await settled(reading))[-1]
    sha = pull["head"]["sha"]
    assert titles([shown]) == [f"GitHub: Diff of {sha[:7]}"]
    assert lines(shown) == patch.split("\n")
    assert "<summary>2 files</summary>" in shown["body"]
    assert (
        "<strong>a &lt;b&gt;.py</strong>" in shown["body"] and "new.py</strong> (was old.py)" in shown["body"]
    )
    assert "<b>" not in shown["body"] and "<a" not in shown["body"] and tags([shown]) == []

    await reading.act("ann-gh", "push", number=2, files=files)
    assert titles(await settled(reading))[-1].startswith("ann-gh: Updated")
    assert diffs(reading) == 1


async def test_a_diff_that_no_flow_shows_or_that_grew_meanwhile_is_left_out(reading: House) -> None:
    (connection,) = await reading.services.connections.all()
    muted = Options(groups=tuple(group for group in GROUPS if group != "diffs"))
    await reading.services.connections.change(connection.id, options=muted)
    small = {"filename": "a.py", "patch": "+one"}
    await reading.act("ann-gh", "open", title="Muted", head="muted", files=[small])
    await settled(reading)
    assert diffs(reading) == 0

    await reading.services.connections.change(connection.id, options=Options())
    answer = json.dumps([{"filename": "a.py", "status": "added", "changes": 31, "contents_url": "x?ref=y"}])
    type_ = {"Content-Type": "application/json"}
    reading.github_journal.faults = [Fault(path=".*/files.*", status=200, answer=answer, headers=type_)]
    await reading.act("ann-gh", "open", title="Grew", head="grew", files=[small])
    assert titles(await settled(reading))[-1] == "ann-gh: Opened pull request"
    assert diffs(reading) == 1
