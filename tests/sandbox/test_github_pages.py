"""The stand-in GitHub's pages: without JavaScript, as a browser's forms use them."""

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest

from tests.kits.sandbox_github import GitHub, Receiver, Reply, receiving, running

PULL = "/acme/component/pull/1"
HOOKS = "/acme/component/settings/hooks"


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server


async def page(github: GitHub, path: str, user: str = "ann-gh") -> Reply:
    return await github.ask("GET", path, headers={"Cookie": f"sandbox_user={user}"})


async def submit(github: GitHub, path: str, user: str = "ann-gh", **fields: str) -> Reply:
    return await github.ask("POST", path, data=fields, headers={"Cookie": f"sandbox_user={user}"})


async def test_the_first_page_is_the_list(github: GitHub) -> None:
    reply = await github.ask("GET", "/")
    assert (reply.status, reply.headers["Location"]) == (302, "/acme/component/pulls")
    empty = await page(github, "/acme/component/pulls")
    assert "There are no open pull requests" in empty.text
    assert 'data-testid="new-pull"' in empty.text
    assert "default-src 'none'" in empty.headers["Content-Security-Policy"]


async def test_a_pull_request_is_opened_and_worked_on(github: GitHub) -> None:
    form = (await page(github, "/acme/component/compare")).text
    for name in ("pull-title", "pull-body", "create-pull"):
        assert f'data-testid="{name}"' in form
    made = await submit(
        github, "/acme/component/pulls", title="Count", body="**All** :memo: <script>", base="main"
    )
    assert (made.status, made.headers["Location"]) == (303, PULL)
    shown = (await page(github, PULL)).text
    assert "<strong>All</strong> 📝" in shown
    assert "<script>" not in shown.split("<main")[1]
    for deed, fields, seen in (
        ("comment", {"body": "Hello *you*"}, "<em>you</em>"),
        ("assign", {"assignee": "ann-gh"}, "self-assigned this"),
        ("edit", {"title": "Count twice", "body": "x"}, "changed the title"),
        ("push", {}, "pushed "),
        ("draft", {}, "This is still a draft."),
        ("ready", {}, "marked this as ready"),
        ("close", {}, 'data-testid="reopen-pull"'),
        ("reopen", {}, 'data-testid="close-pull"'),
        ("merge", {}, "There is nothing left to do."),
    ):
        assert (await submit(github, f"{PULL}/{deed}", **fields)).status == 303
        assert seen in (await page(github, PULL)).text
    assert "Count twice" in (await page(github, "/acme/component/pulls?state=closed")).text


# Who presses what, and what the page shows then.
PRESSED: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("cy-gh", "check", {"name": "lint", "status": "in_progress"}, "1 running"),
    ("cy-gh", "check", {"name": "lint", "conclusion": "failure"}, 'data-testid="rerun-failed"'),
    ("cy-gh", "rerun", {}, "attempt 2"),
    ("cy-gh", "check", {"name": "lint", "conclusion": "success"}, "1 passed"),
    (
        "bob-gh",
        "review",
        {
            "event": "COMMENT",
            "body": "",
            "path-1": "a.py",
            "line-1": "3",
            "said-1": "Why *not*?",
            "said-2": "",
        },
        "Why <em>not</em>?",
    ),
    ("ann-gh", "reply", {"body": "So **be** it"}, "<strong>be</strong>"),
    ("ann-gh", "resolve", {}, "resolved by ann-gh"),
    ("ann-gh", "unresolve", {}, "Resolve conversation"),
    ("bob-gh", "review", {"event": "REQUEST_CHANGES", "body": "A test?"}, "wants changes"),
    ("cy-gh", "dismiss_review", {"message": "Later"}, "dismissed bob-gh&#39;s review"),
    ("ann-gh", "request_review", {"team": "makers"}, "acme/makers"),
    ("ann-gh", "milestone", {"milestone": "1.0"}, 'data-testid="demilestone"'),
    ("ann-gh", "auto_merge", {}, "Auto-merge (merge) is on, by ann-gh."),
    ("ann-gh", "enqueue", {}, "It is in the merge queue."),
    ("ann-gh", "dequeue", {"reason": "CI_FAILURE"}, "(ci failure)"),
    ("ann-gh", "conflict", {}, "This branch has conflicts"),
    ("ann-gh", "mend", {}, "No conflicts with the base branch."),
    ("ann-gh", "push", {"force": "1"}, "force-pushed"),
)


async def test_everything_has_a_button(github: GitHub) -> None:
    await github.act("ann-gh", "open", title="T")
    await github.act("cy-gh", "settings", allow_auto_merge=True)
    for user, deed, fields, seen in PRESSED:
        pressed = await submit(github, f"{PULL}/{deed}", user, **fields)
        assert pressed.status == 303, (deed, pressed.text)
        assert seen in (await page(github, PULL)).text, deed
    assert "outdated" in (await page(github, PULL)).text


async def test_checks_have_a_page_that_their_links_lead_to(github: GitHub) -> None:
    await github.act("ann-gh", "open", title="T")
    await github.act(
        "ann-gh", "check", 1, name="test", conclusion="failure", title="Oh", summary="**2** of 9"
    )
    await github.act("ann-gh", "check", 1, name="cover", app="coverage")
    await github.act("ann-gh", "status", 1, context="ci/x", state="pending", description="Soon")
    shown = (await page(github, f"{PULL}/checks")).text
    for text in ("1 failed, 2 running", "<strong>2</strong> of 9", "ci/x", "Soon"):
        assert text in shown
    token = await github.token("ann-gh")
    found = await github.call("GET", "/repos/acme/component/commits/patch-1/check-runs", token=token)
    runs = await github.call("GET", "/repos/acme/component/actions/runs", token=token)
    for one in found.json["check_runs"] + runs.json["workflow_runs"]:
        reply = await page(github, one["html_url"].removeprefix(github.url))
        assert (reply.status, reply.headers["Location"]) == (303, f"{PULL}/checks")
    assert (await page(github, "/acme/component/runs/1")).status == 404


async def test_buttons_are_those_one_may_press(github: GitHub) -> None:
    await github.act("ann-gh", "open", title="T")
    own, bobs = (await page(github, PULL)).text, (await page(github, PULL, "bob-gh")).text
    for name in ("merge-pull", "close-pull", "push-commit", "comment-submit", "assign-self"):
        assert f'data-testid="{name}"' in own
    assert "approve-pull" not in own
    assert "approve-pull" in bobs
    assert "close-pull" not in bobs
    refused = await submit(github, f"{PULL}/close", "bob-gh")
    assert refused.status == 403
    assert "Must have admin rights to Repository." in refused.text


async def test_one_becomes_somebody_else(github: GitHub) -> None:
    reply = await github.ask("POST", "/_switch", data={"user": "cy-gh", "back": PULL})
    assert (reply.status, reply.headers["Location"]) == (303, PULL)
    assert "sandbox_user=cy-gh" in reply.headers["Set-Cookie"]
    away = await github.ask("POST", "/_switch", data={"user": "cy-gh", "back": "//evil.example"})
    assert away.headers["Location"] == "/"
    assert 'data-testid="user-switch"' in (await page(github, "/acme/component/pulls", "cy-gh")).text


@pytest.mark.parametrize("path", [f"{PULL}/files", f"{PULL}/checks", f"{PULL}/commits", "/ann-gh", "/acme"])
async def test_links_from_elsewhere_lead_somewhere(github: GitHub, path: str) -> None:
    await github.act("ann-gh", "open", title="T")
    assert (await page(github, path)).status == 200


@pytest.mark.parametrize("path", ["/acme/gadgets/pulls", "/acme/component/pull/9", "/nobody", "/a/b/c/d"])
async def test_a_hidden_repository_is_not_there(github: GitHub, path: str) -> None:
    reply = await page(github, path, "dee-gh")
    assert reply.status == 404
    assert "nothing here that dee-gh may see" in reply.text


async def test_deliveries_are_shown_and_sent_again(github: GitHub, receiver: Receiver) -> None:
    await github.drive("/hooks", repo="acme/component", url=receiver.url, secret="s")
    await github.act("ann-gh", "open", title="T")
    await github.idle()
    shown = (await page(github, HOOKS)).text
    assert shown.count('data-testid="delivery-row"') == 2
    assert "pull_request.opened" in shown
    (again, *_rest) = re.findall(r'action="([^"]+/redeliver)"', shown)
    details = (await page(github, again.removesuffix("/redeliver"))).text
    assert "X-Hub-Signature-256" in details
    assert '"action": "opened"' in unescape(details)
    assert (await submit(github, again)).status == 303
    await github.idle()
    assert (await page(github, HOOKS)).text.count('data-testid="delivery-row"') == 3
    assert receiver.received[-1].guid == receiver.received[-2].guid
    [delete] = re.findall(r'action="([^"]+/delete)"', shown)
    assert (await submit(github, delete)).status == 403
    assert (await submit(github, delete, "cy-gh")).status == 303
    assert "No webhooks" in (await page(github, HOOKS)).text
    assert (await submit(github, delete, "cy-gh")).status == 404


async def test_forms_of_other_sites_are_refused(github: GitHub) -> None:
    reply = await github.ask("POST", "/_switch", data={"user": "cy-gh"}, headers={"Origin": "http://evil"})
    assert reply.status == 403


async def test_everybody_has_a_picture(github: GitHub) -> None:
    reply = await github.ask("GET", "/avatars/u/1001?v=4")
    assert reply.headers["Content-Type"].startswith("image/svg+xml")
    assert ">AA<" in reply.text
    assert (await github.ask("GET", "/avatars/u/1")).status == 404


async def test_open_pages_hear_of_changes(github: GitHub) -> None:
    async with github.session.get(f"{github.url}/_sandbox/changes") as stream:
        first = await stream.content.readuntil(b"\n\n")
        await github.act("ann-gh", "open", title="T")
        second = await stream.content.readuntil(b"\n\n")
    assert first == b"data: 0\n\n"
    assert int(second.removeprefix(b"data: ")) > 0
