"""The stand-in GitHub with many repositories: made by a driver, listed in pages."""

from collections.abc import AsyncIterator

import pytest

from tests.kits.sandbox_github import GitHub, running

MANY = {"owner": "acme", "prefix": "repo", "count": 130}


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


def names(shown: list[dict[str, str]]) -> list[str]:
    return [one["name"] for one in shown]


async def test_pages_lead_on(github: GitHub) -> None:
    made = await github.drive("/repositories", **MANY, permissions={"ann-gh": "write", "cy-gh": "admin"})
    assert (made["repositories"][0], len(made["repositories"])) == ("acme/repo-001", 130)
    ann = await github.token("ann-gh")
    first = await github.call("GET", "/user/repos?per_page=500", token=ann)
    here = f"{github.url}/api/v3/user/repos?per_page=500&page=2"
    assert first.headers["Link"] == f'<{here}>; rel="next", <{here}>; rel="last"'
    second = await github.call("GET", "/user/repos?per_page=500&page=2", token=ann)
    assert (len(first.json), len(second.json)) == (100, 32)
    assert names(first.json)[:4] == ["component", "gadgets", "repo-001", "repo-002"]
    held = second.json[-1]["permissions"]
    assert (held["admin"], held["push"], held["pull"]) == (False, True, True)
    bob = await github.call("GET", "/user/repos", token=await github.token("bob-gh"))
    assert names(bob.json) == ["component", "gadgets"]


async def test_they_are_ordered_and_chosen(github: GitHub) -> None:
    await github.drive("/repositories", owner="dee-gh", count=2, permissions={"dee-gh": "admin"})
    await github.drive(
        "/repositories", owner="ann-gh", prefix="own", private=True, permissions={"dee-gh": "read"}
    )
    await github.drive("/users/dee-gh", permission="write", repo="acme/gadgets")
    dee = await github.token("dee-gh")
    for query, expected in (
        ("", ["gadgets", "own-001", "repo-001", "repo-002"]),
        ("affiliation=owner", ["repo-001", "repo-002"]),
        ("affiliation=owner&direction=desc", ["repo-002", "repo-001"]),
        ("affiliation=collaborator", ["own-001"]),
        ("affiliation=organization_member", ["gadgets"]),
        ("affiliation=owner&sort=created", ["repo-002", "repo-001"]),
        ("affiliation=owner&sort=pushed&direction=asc", ["repo-001", "repo-002"]),
        ("visibility=private", ["gadgets", "own-001"]),
        ("type=owner", ["repo-001", "repo-002"]),
    ):
        shown = names((await github.call("GET", f"/user/repos?{query}", token=dee)).json)
        assert shown == expected, query
    both = await github.call("GET", "/user/repos?type=owner&visibility=all", token=dee)
    assert both.status == 422


async def test_bad_wishes_are_refused(github: GitHub) -> None:
    for body in ({"owner": "nobody"}, {"permissions": {"ann-gh": "rule"}}, {"prefix": "x", "count": "many"}):
        assert (await github.ask("POST", "/_sandbox/repositories", json=body)).status == 400
    await github.drive("/repositories", prefix="x")
    assert (await github.ask("POST", "/_sandbox/repositories", json={"prefix": "x"})).status == 400
    body = {"permission": "write", "repo": "acme/none"}
    assert (await github.ask("POST", "/_sandbox/users/ann-gh", json=body)).status == 400
