"""The GitHub App's manifest, whatever bridge's address is and the App is to be called."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.github import app_manifest
from scripts.sandbox.house import ROOT

TEXTS = st.text(max_size=60)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_a_manifest_is_json_that_says_what_it_was_given(url: str, name: str) -> None:
    asked = app_manifest.permissions()
    made = app_manifest.manifest(web_url=url, name=name, webhook=url + "/hook", asked=asked)
    assert json.loads(json.dumps(made)) == made
    assert (made["name"], made["url"], made["public"]) == (name, url, False)
    assert made["hook_attributes"]["url"] == url + "/hook"


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"https?://[a-z0-9.-]{1,80}(:[0-9]{1,4})?", fullmatch=True))
def test_a_name_is_never_longer_than_github_takes(url: str) -> None:
    assert 0 < len(app_manifest.default_name(url)) <= app_manifest.LONGEST_NAME


@pytest.mark.parametrize(("merging", "level"), [(True, "write"), (False, "read")])
@pytest.mark.parametrize("members", [True, False])
def test_writing_to_contents_is_asked_for_merging_alone(merging: bool, level: str, members: bool) -> None:
    asked = {one.name: one.level for one in app_manifest.permissions(merging=merging, members=members)}
    assert (asked["contents"], "members" in asked) == (level, members)


def test_the_guide_gives_each_permission_with_its_reason() -> None:
    guide = (ROOT / "docs/install/github-app.md").read_text()
    both = {*app_manifest.permissions(members=True, rules=True), *app_manifest.permissions(merging=False)}
    rows = {f"| {one.name.replace('_', ' ')} | {one.level} | {one.reason} |" for one in both}
    assert {line for line in guide.splitlines() if line.startswith("| ")} == {
        "| permission | level | to |",
        "| --- | --- | --- |",
        *rows,
    }


@pytest.mark.parametrize(
    ("wishes", "more"),
    [
        ({}, set()),
        ({"merging": False}, set()),
        ({"members": True}, {"membership", "team"}),
        ({"rules": True}, {"repository_ruleset", "branch_protection_rule"}),
    ],
)
def test_it_subscribes_to_what_its_permissions_let_it_hear(wishes: dict[str, bool], more: set[str]) -> None:
    always, chosen = (set(app_manifest.events(app_manifest.permissions(**one))) for one in ({}, wishes))
    assert chosen - always == more
    assert "deployment_review" in always
    # As a protection rule, bridge would hold deployments up: it never answers for one.
    assert "deployment_protection_rule" not in chosen


@pytest.mark.parametrize(
    ("wishes", "left_out", "unheard"),
    [
        ({}, set(), []),
        ({}, {"deployment_review", "status"}, ["deployment_review", "status"]),
        ({"merging": False}, {"push"}, ["push"]),
        ({"members": True}, {"membership"}, ["membership"]),
        ({}, {"membership", "repository_ruleset"}, []),
    ],
)
def test_events_are_missed_only_where_its_permissions_let_it_hear_them(
    wishes: dict[str, bool], left_out: set[str], unheard: list[str]
) -> None:
    asked = app_manifest.permissions(**wishes)
    granted = {one.name: one.level for one in asked}
    assert app_manifest.unheard(granted, set(app_manifest.events(asked)) - left_out) == unheard
