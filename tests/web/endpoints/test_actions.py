"""A click over real sockets: who is refused, what GitHub is asked, and what the person is told."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jwt
import pytest
import structlog
from yarl import URL

from bridge.clients import github_api
from bridge.process import log
from scripts.sandbox.faults import Fault
from tests.conftest import PATIENCE, REPOSITORY, House
from tests.kits import sign
from tests.kits.accounts import link
from tests.kits.controls import unguarded, yes
from tests.kits.queue import REPOSITORY_ID

PATH = f"/repos/{REPOSITORY}/pulls/1/assign-to-me"


@pytest.fixture
async def pull(house: House) -> House:
    """The house with one open pull request by ann-gh; GitHub's journal is empty."""
    await house.act("ann-gh", "open", title="Fix bug in thread API", body="", head="fix", base="main")
    return house


async def post(
    house: House,
    path: str = PATH,
    *,
    token: str | None = None,
    body: bytes | None = None,
    **claims: Any,
) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    """Send a click; what is not given is as Flowdock would send it."""
    body = sign.action_body(house.bridge + path) if body is None else body
    token = sign.flowdock_token(body, **claims) if token is None else token
    headers = {"FLOWDOCK-TOKEN": token, "Content-Type": "application/json"} if token else {}
    async with house.http.post(house.bridge + path, data=body, headers=headers) as response:
        return response.status, await response.json(), response.headers


Make = Callable[[House], dict[str, Any]]

REFUSALS: list[tuple[str, Make, str]] = [
    ("no token", lambda _: {"token": ""}, "FLOWDOCK-TOKEN is missing"),
    ("no JWT", lambda _: {"token": "nonsense"}, "not signed for this application"),
    ("expired", lambda _: {"exp": int(time.time()) - 60}, "has expired"),
    ("without exp", lambda _: {"exp": None}, "not signed for this application"),
    ("without sub", lambda _: {"sub": None}, "not signed for this application"),
    ("empty sub", lambda _: {"sub": ""}, "names no user"),
    ("list as sub", lambda _: {"sub": ["1001"]}, "names no user"),
    ("signature of another body", lambda _: {"signature": "0" * 64}, "this request's body"),
    ("without signature", lambda _: {"signature": None}, "this request's body"),
    (
        "another address",
        lambda house: {"body": sign.action_body(house.bridge + PATH.replace("/1/", "/2/"))},
        "another address",
    ),
    ("another host", lambda _: {"body": sign.action_body("https://evil.example" + PATH)}, "another address"),
    ("body without target", lambda _: {"body": b"{}"}, "another address"),
    ("body that is no JSON", lambda _: {"body": b"<xml/>"}, "not the action"),
]


@pytest.mark.parametrize(
    ("make", "sentence"), [pytest.param(make, sentence, id=name) for name, make, sentence in REFUSALS]
)
async def test_a_bad_click_is_refused_and_nobody_is_called(pull: House, make: Make, sentence: str) -> None:
    await link(pull, "ann")
    status, answer, _ = await post(pull, **make(pull))
    assert (status, sentence in answer["error"]) == (403, True), answer
    assert calls(pull) == []
    assert pull.flowdock_journal.calls == []


@pytest.mark.parametrize("algorithm", ["none", "HS512", "HS384"])
async def test_another_algorithm_is_refused(pull: House, algorithm: str) -> None:
    await link(pull, "ann")
    body = sign.action_body(pull.bridge + PATH)
    claims = jwt.decode(sign.flowdock_token(body), options={"verify_signature": False})
    key = "" if algorithm == "none" else "flowdock-secret"
    status, _, _ = await post(pull, body=body, token=jwt.encode(claims, key, algorithm=algorithm))
    assert status == 403
    assert calls(pull) == []


def calls(house: House) -> list[tuple[str, str]]:
    """The REST calls that GitHub got."""
    return [(call.method, call.path) for call in house.github_journal.calls]


async def test_a_refused_click_has_the_id_of_its_lines_in_the_log(
    pull: House, capfd: pytest.CaptureFixture[str]
) -> None:
    await link(pull, "ann")
    pull.github_journal.faults.append(Fault(path=".*/assignees", method="POST", status=500))
    log.configure(level="info", log_format="json")
    try:
        status, answer, _ = await post(pull)
        await post(pull, exp=int(time.time()) + 20)
    finally:
        log.configure(level="info", log_format="console")
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    ids = [line["request_id"] for line in lines if line["event"] == "request"]
    assert (status, answer["request_id"]) == (502, ids[0])
    assert {line["request_id"] for line in lines} == set(ids)
    performed = [line["request_id"] for line in lines if line["event"] == "action_performed"]
    assert performed == ids[1:]


async def test_a_token_serves_once(pull: House) -> None:
    await link(pull, "ann")
    body = sign.action_body(pull.bridge + PATH)
    token = sign.flowdock_token(body)
    assert (await post(pull, body=body, token=token))[0] == 200
    pull.github_journal.calls.clear()
    status, answer, _ = await post(pull, body=body, token=token)
    assert (status, answer["error"]) == (403, "This click was already received: click again.")
    assert calls(pull) == []


@unguarded("bridge.storage.one_time.OneTimeStore.use_token", yes)
async def test_a_token_serves_once_also_when_sent_many_times_at_once(pull: House) -> None:
    await link(pull, "ann")
    body = sign.action_body(pull.bridge + PATH)
    token = sign.flowdock_token(body)
    answers = await asyncio.gather(*(post(pull, body=body, token=token) for _ in range(10)))
    assert sorted(status for status, _, _ in answers) == [200] + [403] * 9


async def test_an_unknown_action_is_404_and_names_those_there_are(pull: House) -> None:
    path = f"/repos/{REPOSITORY}/pulls/1/explode"
    status, answer, _ = await post(pull, path)
    assert status == 404
    assert "assign-to-me, close, reopen" in answer["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/repos/acme/component/pulls/0/close",
        "/repos/acme/component/pulls/x/close",
        "/repos/acme/comp%2Fonent/pulls/1/close",
        "/repos/acme/component/pulls/1/close/",
    ],
)
async def test_an_address_that_is_no_pull_request_is_404(pull: House, path: str) -> None:
    await link(pull, "ann")
    async with pull.http.post(URL(pull.bridge + path, encoded=True)) as response:
        assert response.status == 404
    assert calls(pull) == []


async def test_a_large_body_is_413(pull: House) -> None:
    status, _, _ = await post(pull, body=b"x" * 70_000)
    assert status == 413


async def test_an_unlinked_user_is_challenged_as_the_seed_says(pull: House) -> None:
    status, answer, headers = await post(pull, sub=1001)
    assert (status, answer) == (401, {"error": "Authentication required"})
    scheme, _, url = headers["WWW-Authenticate"].partition(" url=")
    assert scheme == "Flowdock-Token"
    address, _, claim = url.partition("?claim=")
    assert address == f"{pull.bridge}/authorization"
    secret = pull.services.settings.cookie_secrets[0]
    claims = jwt.decode(claim, secret, algorithms=["HS256"])
    assert claims["user"] == "1001"
    assert 14 * 60 < claims["exp"] - time.time() <= 15 * 60
    assert calls(pull) == []


async def test_assign_to_me_assigns_the_person_who_clicked(pull: House) -> None:
    await link(pull, "ann")
    status, answer, _ = await post(pull)
    assert (status, answer["status"]) == (200, "done")
    assert answer["message"] == "Assigned acme/component#1 to @ann-gh."
    assert calls(pull) == [
        ("GET", "/api/v3/user"),
        ("POST", "/api/v3/repos/acme/component/issues/1/assignees"),
    ]
    assert json.loads(pull.github_journal.calls[-1].body) == {"assignees": ["ann-gh"]}


async def test_an_assignment_that_github_silently_ignores_is_said(pull: House) -> None:
    await link(pull, "bob")
    status, answer, _ = await post(pull, sub="1002")
    assert status == 422
    assert "did not assign @bob-gh" in answer["error"]
    assert "push access" in answer["error"]


async def test_close_and_reopen_and_again(pull: House) -> None:
    await link(pull, "ann")
    for action, words in (
        ("close", "Closed"),
        ("close", "Closed"),
        ("reopen", "Reopened"),
        ("reopen", "Reopened"),
    ):
        # The second of the same second would be the same token: Flowdock's clock goes on meanwhile.
        path = f"/repos/{REPOSITORY}/pulls/1/{action}"
        body = sign.action_body(pull.bridge + path, name=f"{action} {len(calls(pull))}")
        status, answer, _ = await post(pull, path, body=body)
        assert (status, answer["message"]) == (200, f"{words} acme/component#1.")


async def test_closing_a_merged_one_says_so(pull: House) -> None:
    await link(pull, "ann")
    await pull.act("cy-gh", "merge", number=1)
    status, answer, _ = await post(pull, f"/repos/{REPOSITORY}/pulls/1/close")
    assert (status, answer["message"]) == (200, "acme/component#1 is already merged.")
    status, answer, _ = await post(pull, f"/repos/{REPOSITORY}/pulls/1/reopen")
    assert status == 422
    assert answer["error"].startswith("GitHub refused:")


ANSWERS: list[tuple[str, dict[str, Any], int, str]] = [
    ("broken", {"status": 503}, 502, "GitHub answered 503"),
    ("a page instead of JSON", {"status": 502, "answer": "<html>"}, 502, "cannot be read"),
    ("moved", {"status": 301, "headers": {"Location": "/elsewhere"}}, 409, "renamed or moved"),
    ("moved, keeping the method", {"status": 307, "headers": {"Location": "/x"}}, 409, "renamed or moved"),
    ("hidden", {"status": 404, "answer": '{"message":"Not Found"}'}, 422, "show you acme/component#1"),
    ("forbidden", {"status": 403, "answer": '{"message":"Must have admin rights"}'}, 422, "admin rights"),
    ("conflict", {"status": 409, "answer": '{"message":"Conflict here"}'}, 409, "Conflict here"),
    (
        "invalid",
        {"status": 422, "answer": '{"message":"Validation Failed","errors":["Not now"]}'},
        422,
        "Not now",
    ),
    (
        "invalid field",
        {
            "status": 422,
            "answer": '{"message":"Validation Failed","errors":'
            '[{"code":"invalid","field":"state","message":"The branch is gone"},{"code":"missing"}]}',
        },
        422,
        "GitHub refused: The branch is gone",
    ),
    (
        "invalid field without a word",
        {"status": 422, "answer": '{"message":"Not valid","errors":[{"code":"missing","field":"x"}]}'},
        422,
        "GitHub refused: Not valid for 'x'",
    ),
    (
        "several lines",
        {
            "status": 405,
            "answer": '{"message":"Repository rule violations found\\n\\nResolve it first.\\n\\n"}',
        },
        409,
        "GitHub refused: Repository rule violations found Resolve it first.",
    ),
    ("a word", {"status": 422, "answer": '{"message":"No","errors":"At all"}'}, 422, "refused: No: At all"),
    ("too many", {"status": 429, "headers": {"Retry-After": "17"}}, 429, "in 17 s"),
    ("secondary limit", {"status": 403, "headers": {"Retry-After": "9"}}, 429, "in 9 s"),
    ("another shape", {"status": 201, "answer": "[]"}, 502, "does not understand"),
    ("cut", {"cut": "before"}, 502, "cannot be reached"),
]


@pytest.mark.parametrize(
    ("fault", "status", "sentence"),
    [pytest.param(fault, status, sentence, id=name) for name, fault, status, sentence in ANSWERS],
)
async def test_githubs_failures_come_back_as_one_sentence(
    pull: House, fault: dict[str, Any], status: int, sentence: str
) -> None:
    await link(pull, "ann")
    headers = {"Content-Type": "application/json"} | fault.pop("headers", {})
    pull.github_journal.faults.append(Fault(path="/api/v3/repos/.*", headers=headers, times=9, **fault))
    got, answer, got_headers = await post(pull)
    assert (got, sentence in answer["error"]) == (status, True), answer
    assert ("Retry-After" in got_headers) == (status == 429)
    asked = [path for _, path in calls(pull) if path != "/api/v3/user"]
    assert len(asked) == 1, "a write is not repeated, and no redirect is followed"


async def test_a_slow_github_is_504(pull: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_api, "CALL_SECONDS", 0.1)
    await link(pull, "ann")
    held = Fault(path="/api/v3/.*", delay=PATIENCE)
    pull.github_journal.faults.append(held)
    status, answer, _ = await post(pull)
    held.released.set()
    assert (status, "took too long" in answer["error"]) == (504, True)


async def test_the_primary_rate_limit_says_how_long(pull: House) -> None:
    await link(pull, "ann")
    async with pull.http.post(f"{pull.github}/_sandbox/users/ann-gh", json={"rate_remaining": 0}):
        pass
    status, answer, headers = await post(pull)
    assert status == 429
    assert headers["Retry-After"] in answer["error"]
    assert 0 < int(headers["Retry-After"]) <= 3600


async def test_single_sign_on_is_asked_for_with_its_address(pull: House) -> None:
    await link(pull, "ann")
    async with pull.http.post(f"{pull.github}/_sandbox/users/ann-gh", json={"sign_on": False}):
        pass
    status, answer, _ = await post(pull)
    page = f"{pull.github}/orgs/acme/sso?authorization_request=A"
    assert status == 422
    assert f"requires you to authorize bridge with single sign-on: {page}" in answer["error"]


async def test_a_name_that_only_a_connection_tells_stands_for_its_repository(pull: House) -> None:
    """Connected on a page, and no delivery told its name yet: another repository may have the name now."""
    await link(pull, "ann")
    await pull.connect()
    (one,) = await pull.services.connections.all()
    await pull.services.connections.remove(one.id)
    await pull.services.connections.add(replace(one, repository_id=REPOSITORY_ID))
    await pull.act("cy-gh", "rename", name="part")
    body = {"owner": "acme", "name": "component", "permissions": {"ann-gh": "write"}}
    async with pull.http.post(f"{pull.github}/_sandbox/repositories", json=body) as response:
        assert response.status == 200
    await pull.act("ann-gh", "open", title="Another", body="", head="fix", base="main")
    assert (await post(pull))[0] == 200
    assert ("POST", "/api/v3/repos/acme/part/issues/1/assignees") in calls(pull)
    assert ("POST", "/api/v3/repos/acme/component/issues/1/assignees") not in calls(pull)
