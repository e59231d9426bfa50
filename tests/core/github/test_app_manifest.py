"""The GitHub App's manifest, whatever bridge's address is and the App is to be called."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.github import app_manifest

TEXTS = st.text(max_size=60)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_a_manifest_is_json_that_says_what_it_was_given(url: str, name: str) -> None:
    made = app_manifest.manifest(web_url=url, name=name, webhook=url + "/hook", events=["pull_request"])
    assert json.loads(json.dumps(made)) == made
    assert (made["name"], made["url"], made["public"]) == (name, url, False)
    assert made["hook_attributes"]["url"] == url + "/hook"


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"https?://[a-z0-9.-]{1,80}(:[0-9]{1,4})?", fullmatch=True))
def test_a_name_is_never_longer_than_github_takes(url: str) -> None:
    assert 0 < len(app_manifest.default_name(url)) <= app_manifest.LONGEST_NAME
