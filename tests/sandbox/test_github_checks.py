"""The stand-in GitHub's REST about commits: how they compare, their checks, and running these again."""

from collections.abc import AsyncIterator

import pytest

from tests.kits.sandbox_github import PULL, GitHub, running
from tests.sandbox.schemas import on_enterprise_server

REPO = "/repos/acme/component"


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        await server.act("ann-gh", "open", title="Count once")
        yield server


@pytest.fixture
async def ann(github: GitHub) -> str:
    return await github.token("ann-gh")


async def head(github: GitHub, ann: str, number: int = 1) -> str:
    sha: str = (await github.call("GET", f"{REPO}/pulls/{number}", token=ann)).json["head"]["sha"]
    return sha


async def test_a_compare_tells_a_push_from_a_force_push(github: GitHub, ann: str) -> None:
    first = await head(github, ann)
    await github.act("ann-gh", "push", 1, count=2)
    second = await head(github, ann)
    await github.act("ann-gh", "push", 1, force=True)
    third = await head(github, ann)

    async def compare(before: str, after: str) -> tuple[str, int, int, int]:
        body = (await github.call("GET", f"{REPO}/compare/{before}...{after}", token=ann)).json
        return body["status"], body["ahead_by"], body["behind_by"], len(body["commits"])

    assert await compare(first, second) == ("ahead", 2, 0, 2)
    assert await compare(second, third) == ("diverged", 1, 1, 1)
    assert await compare(second, first) == ("behind", 0, 2, 0)
    assert await compare("main", third) == ("ahead", 3, 0, 3)
    assert await compare(first, first) == ("identical", 0, 0, 0)
    assert (await github.call("GET", f"{REPO}/compare/main...nowhere", token=ann)).status == 404
    commits = (await github.call("GET", f"{PULL}/commits", token=ann)).json
    assert [commit["sha"] for commit in commits][-1] == third


async def test_check_runs_of_a_commit(github: GitHub, ann: str) -> None:
    await github.act("ann-gh", "check", 1, name="test", conclusion="failure", title="2 of 9", summary="Oh")
    await github.act("ann-gh", "check", 1, name="lint", conclusion="success")
    await github.act("ann-gh", "check", 1, name="test", conclusion="success")
    sha = await head(github, ann)
    for ref in (sha, "patch-1", "heads/patch-1"):
        body = (await github.call("GET", f"{REPO}/commits/{ref}/check-runs", token=ann)).json
        assert body["total_count"] == 2
        assert {run["name"]: run["conclusion"] for run in body["check_runs"]} == {
            "test": "success",
            "lint": "success",
        }
        assert body["check_runs"][0]["pull_requests"][0]["number"] == 1
        assert set(body["check_runs"][0]["check_suite"]) == {"id"}
    every = await github.call("GET", f"{REPO}/commits/{sha}/check-runs?filter=all", token=ann)
    assert every.json["total_count"] == 3
    one = await github.call("GET", f"{REPO}/commits/{sha}/check-runs?check_name=lint", token=ann)
    assert [run["name"] for run in one.json["check_runs"]] == ["lint"]
    unknown = await github.call("GET", f"{REPO}/commits/{'0' * 40}/check-runs", token=ann)
    assert (unknown.status, unknown.json["message"]) == (422, f"No commit found for SHA: {'0' * 40}")


@pytest.mark.parametrize(
    ("states", "combined"),
    [
        ([], "pending"),
        (["pending"], "pending"),
        (["success"], "success"),
        (["success", "pending"], "pending"),
        (["pending", "error"], "failure"),
    ],
)
async def test_the_combined_status(github: GitHub, ann: str, states: list[str], combined: str) -> None:
    for number, state in enumerate(states):
        await github.act("ann-gh", "status", 1, context=f"ci/{number}", state="pending")
        await github.act("ann-gh", "status", 1, context=f"ci/{number}", state=state)
    body = (await github.call("GET", f"{REPO}/commits/patch-1/status", token=ann)).json
    assert (body["state"], body["total_count"]) == (combined, len(states))
    assert [status["state"] for status in body["statuses"]] == states
    history = (await github.call("GET", f"{REPO}/commits/patch-1/statuses", token=ann)).json
    assert len(history) == 2 * len(states)


async def test_pull_requests_of_a_commit(github: GitHub, ann: str) -> None:
    sha = await head(github, ann)

    async def numbers(ref: str) -> list[int]:
        found = (await github.call("GET", f"{REPO}/commits/{ref}/pulls", token=ann)).json
        return [pull["number"] for pull in found]

    assert await numbers(sha) == [1]
    await github.act("ann-gh", "close", 1)
    assert await numbers(sha) == []
    await github.act("ann-gh", "reopen", 1)
    merged = await github.act("ann-gh", "merge", 1)
    assert await numbers(sha) == await numbers(merged["merge_commit_sha"]) == [1]


async def test_failed_jobs_run_again(github: GitHub, ann: str) -> None:
    await github.act("ann-gh", "check", 1, name="lint", status="queued")
    await github.act("ann-gh", "check", 1, name="test", conclusion="failure")
    sha = await head(github, ann)
    runs = f"{REPO}/actions/runs"
    body = (await github.call("GET", f"{runs}?head_sha={sha}", token=ann)).json
    (run,) = body["workflow_runs"]
    assert (body["total_count"], run["status"], run["run_attempt"]) == (1, "in_progress", 1)
    again = f"{runs}/{run['id']}/rerun-failed-jobs"
    early = await github.call("POST", again, token=ann, body={})
    assert (early.status, early.json["message"]) == (403, "This workflow is already running")
    await github.act("ann-gh", "check", 1, name="lint", conclusion="success")
    failed = await github.call("GET", f"{runs}?head_sha={sha}&status=failure", token=ann)
    assert [one["conclusion"] for one in failed.json["workflow_runs"]] == ["failure"]
    reader = await github.token("bob-gh")
    assert (await github.call("POST", again, token=reader, body={})).status == 403
    done = await github.call("POST", again, token=ann, body={})
    assert (done.status, done.json) == (201, {})
    run = (await github.call("GET", f"{runs}/{run['id']}", token=ann)).json
    assert (run["status"], run["conclusion"], run["run_attempt"]) == ("in_progress", None, 2)
    jobs = (await github.call("GET", f"{runs}/{run['id']}/jobs", token=ann)).json
    assert {job["name"]: job["status"] for job in jobs["jobs"]} == {
        "lint": "completed",
        "test": "in_progress",
    }
    await github.act("ann-gh", "check", 1, name="test", conclusion="success")
    nothing = await github.call("POST", again, token=ann, body={})
    assert (nothing.status, nothing.json["message"]) == (403, "This workflow run cannot be retried")
    assert (await github.call("POST", f"{runs}/{run['id']}/rerun", token=ann, body={})).status == 201
    assert (await github.call("POST", f"{runs}/1/rerun-failed-jobs", token=ann, body={})).status == 404


async def test_asking_again_is_for_the_app(github: GitHub, ann: str) -> None:
    await github.act("ann-gh", "check", 1, name="cover", app="coverage", conclusion="failure")
    body = (await github.call("GET", f"{REPO}/commits/patch-1/check-suites", token=ann)).json
    (suite,) = body["check_suites"]
    assert suite["app"]["slug"] == "coverage"
    path = f"{REPO}/check-suites/{suite['id']}"
    assert (await github.call("POST", f"{path}/rerequest", token=ann)).status == 201
    assert (await github.call("GET", path, token=ann)).json["status"] == "queued"
    (run,) = (await github.call("GET", f"{REPO}/commits/patch-1/check-runs", token=ann)).json["check_runs"]
    path = f"{REPO}/check-runs/{run['id']}"
    assert (await github.call("GET", path, token=ann)).json["name"] == "cover"
    refused = await github.call("POST", f"{path}/rerequest", token=ann)
    assert (refused.status, refused.json["message"]) == (403, "You must authenticate via a GitHub App.")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"do": "check", "status": "mooning"}, 422),
        ({"do": "check", "status": "completed"}, 422),
        ({"do": "check", "conclusion": "great"}, 422),
        ({"do": "check", "sha": "0" * 40}, 422),
        ({"do": "status", "state": "great"}, 422),
        ({"do": "rerun"}, 404),
    ],
)
async def test_nonsense_is_refused(github: GitHub, fields: dict[str, str], status: int) -> None:
    reply = await github.ask("POST", "/_sandbox/act", json={"as": "ann-gh", "number": 1, **fields})
    assert reply.status == status


async def test_a_log_is_in_a_storage_that_takes_no_token(github: GitHub, ann: str) -> None:
    await github.act("ann-gh", "check", 1, name="test", step="Run pytest")
    (run,) = (await github.call("GET", f"{REPO}/commits/patch-1/check-runs", token=ann)).json["check_runs"]
    job = f"{REPO}/actions/jobs/{run['id']}"
    assert (await github.call("GET", f"{job}/logs", token=ann)).status == 404, "it still runs"
    await github.act("ann-gh", "check", 1, name="test", conclusion="failure", log="one\ntwo")
    found = (await github.call("GET", job, token=ann)).json
    assert [one["name"] for one in found["steps"] if one["conclusion"] == "failure"] == ["Run pytest"]
    assert (await github.call("GET", f"{job}/logs")).status == 403

    place = (await github.call("GET", f"{job}/logs", token=ann)).headers["Location"].removeprefix(github.url)
    whole = await github.ask("GET", place)
    assert whole.status == 200 and whole.text.startswith("\ufeff20") and "Z two\n" in whole.text
    size = len(whole.text.encode())
    end = await github.ask("GET", place, headers={"Range": f"bytes={size - 8}-"})
    assert (end.status, end.text) == (206, "cleanup.\n"[-8:])
    assert (await github.ask("GET", place, headers={"Range": "bytes=-8"})).status == 200
    assert (await github.ask("GET", place, headers={"Authorization": f"Bearer {ann}"})).status == 403
    await github.drive("/clock", advance=61)
    assert (await github.ask("GET", place)).status == 403
    await github.drive("/clock", advance=91 * 24 * 3600)
    headers = {"Authorization": f"Bearer {ann}", "User-Agent": "test"}
    assert (await github.ask("GET", f"/api/v3{job}/logs", headers=headers)).status == 410
    assert on_enterprise_server("GET", job) and on_enterprise_server("GET", f"{job}/logs")


async def test_the_changed_files_come_with_their_patches(github: GitHub, ann: str) -> None:
    files = [
        {"filename": "a b.py", "patch": "@@ -1 +1 @@\n-old\n+new"},
        {"filename": "gone.py", "patch": "-x", "status": "removed"},
        {"filename": "new.png", "previous": "old.png", "status": "renamed"},
    ]
    pull = await github.act("ann-gh", "open", title="Files", head="files", files=files)
    assert (pull["additions"], pull["deletions"], pull["changed_files"]) == (1, 2, 3)
    path = f"{REPO}/pulls/{pull['number']}/files"
    shown = (await github.call("GET", path, token=ann)).json
    assert [one["filename"] for one in shown] == ["a b.py", "gone.py", "new.png"]
    assert shown[0]["contents_url"].endswith(f"/contents/a%20b.py?ref={pull['head']['sha']}")
    assert shown[1]["contents_url"].endswith(pull["base"]["sha"])
    assert "patch" not in shown[2] and shown[2]["previous_filename"] == "old.png"
    made_up = (await github.call("GET", f"{REPO}/pulls/1/files", token=ann)).json
    first = (await github.call("GET", f"{REPO}/pulls/1", token=ann)).json
    assert sum(one["changes"] for one in made_up) == first["additions"] + first["deletions"]
    assert on_enterprise_server("GET", path)
