"""Flowdock's stand-in in a real browser, and as a command."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.kits.sandbox_flowdock import Sandbox, button, message, sandbox, thread


@pytest.fixture
async def flowdock() -> AsyncIterator[Sandbox]:
    async with sandbox() as running:
        yield running


async def test_inbox_works_in_a_browser(flowdock: Sandbox, page: Page) -> None:
    """One visit: a thread appears, is opened, is clicked, is updated, and history leads back."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    seen = page.get_by_test_id
    await page.goto(flowdock.url)
    await expect(seen("empty")).to_be_visible()

    token = (await flowdock.add_source())["flow_token"]
    author = {"name": "Ann", "avatar": f"{flowdock.url}/avatars/ann.svg"}
    state = thread(actions=[button(f"{flowdock.application.url}/assign-to-me")])
    await flowdock.post(message(token, author=author, thread=state))
    await expect(seen("thread-row")).to_contain_text("opened pull request")
    await expect(seen("empty")).to_be_hidden()
    await seen("thread-row").click()
    await expect(seen("thread-title")).to_have_text("Fix bug in thread API")
    await expect(page).to_have_title("Fix bug in thread API · Flowdock")

    flowdock.application.answer = '{"message": "Assigned to <b>you</b>."}'
    await seen("actions-menu").focus()
    await page.keyboard.press("ArrowDown")
    await expect(seen("action-assign-to-me")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(seen("toast")).to_have_text("Assigned to <b>you</b>.")
    await expect(seen("actions-menu")).to_be_focused()

    flowdock.application.status, flowdock.application.answer = 409, '{"error": "GitHub refuses."}'
    await seen("actions-menu").click()
    await seen("action-assign-to-me").click()
    await expect(seen("toast")).to_have_text("GitHub refuses.")

    flowdock.application.status = 401
    flowdock.application.headers = {"WWW-Authenticate": "Flowdock-Token url=https://app.example/a?claim=c"}
    await seen("actions-menu").click()
    await seen("action-assign-to-me").click()
    await expect(seen("challenge")).to_contain_text("bridge needs to know who you are on GitHub")
    await expect(seen("challenge-link")).to_have_attribute("href", "https://app.example/a?claim=c")
    await page.keyboard.press("Escape")
    await expect(seen("challenge")).to_be_hidden()

    await seen("actions-menu").click()
    purple = thread(status={"color": "purple", "value": "merged"}, actions=state["actions"])
    await flowdock.post(message(token, event="discussion", title="said", body="<p>Good.</p>", thread=purple))
    await expect(seen("discussion")).to_contain_text("Good.")
    await expect(seen("thread-status")).to_have_text("merged")
    await expect(seen("action-assign-to-me")).to_be_visible()

    await page.go_back()
    await expect(seen("thread-title")).to_have_count(0)
    await page.go_forward()
    await expect(seen("activity")).to_have_count(1)
    await seen("user-switch").click()
    await seen("user-cy").click()
    await expect(seen("user-switch")).to_contain_text("Cy")
    await expect(seen("thread-title")).to_be_visible()
    assert complaints == []


async def test_command_runs_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "scripts.sandbox.flowdock", "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert re.fullmatch(r"Flowdock's stand-in: http://127\.0\.0\.1:\d+\n", line)
    process.send_signal(signal.SIGTERM)
    rest, _ = await process.communicate()
    assert (rest, process.returncode) == (b"", 0)
