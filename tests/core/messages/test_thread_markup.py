"""No markup gets into a thread but what bridge puts there."""

from typing import Any

import pytest
from hypothesis import given, settings

from bridge.core.messages import thread
from bridge.core.printable import visible
from bridge.core.pulls.model import Branch, Check, Link, Person, PullRequest, Reviewer
from tests.kits.controls import unguarded
from tests.kits.core import page
from tests.kits.core.evasions import EVASIONS
from tests.kits.core.pipeline import WEB_URL, satisfies_flowdock
from tests.kits.core.pulls import COMPONENT, PULLS, a_pull


def checked(pull: PullRequest) -> dict[str, Any]:
    """The thread, if Flowdock takes it."""
    shown = thread.render(pull, web_url=WEB_URL)
    satisfies_flowdock(None, shown)
    return shown


def everywhere(evasion: str, address: str) -> PullRequest:
    """A pull request of which every name is made to do harm."""
    person, branch = Person(login=evasion, url=address), Branch(ref=evasion, sha=evasion, repository=evasion)
    return a_pull(
        title=evasion,
        body=evasion,
        author=person,
        head=branch,
        base=Branch(ref=evasion, sha=evasion, repository=evasion, repository_url=address),
        assignees=(person, person),
        labels=(Link(name=evasion, url=address),),
        milestone=Link(name=evasion, url=address),
        reviewers=(
            Reviewer(name=evasion, url=address, state="approved"),
            Reviewer(name=evasion, url=address, state="requested", is_team=True),
        ),
        unresolved=(address,),
        checks=(Check(name=evasion, state="failed", url=address),),
    )


@unguarded("bridge.core.messages.thread.escape", str, row="<script>alert(1)</script>")
@pytest.mark.parametrize("evasion", EVASIONS)
def test_no_markup_gets_into_a_thread(evasion: str) -> None:
    for address in (evasion, f"https://github.com/{evasion}", ""):
        shown = checked(everywhere(evasion, address))
        assert page.text(shown["title"]) == visible(evasion.strip())
        labels = {field["label"]: page.text(field["value"]) for field in shown["fields"]}
        assert labels["Labels"] == labels["Milestone"] == labels["Author"] == visible(evasion)


@pytest.mark.parametrize("evasion", EVASIONS)
def test_no_markup_gets_through_a_description(evasion: str) -> None:
    for body in (
        f"Hello\n\n> - {evasion}\n\n**{evasion}**\n\n## {evasion}",
        f"[{evasion}]({evasion} '{evasion}')\n\n<{evasion}>\n\n[r]\n\n[r]: {evasion}",
        f"@{evasion} #{evasion} acme/component#{evasion} :{evasion}: {'a1' * 20}{evasion}",
    ):
        checked(a_pull(body=body, repository_url=COMPONENT))


@settings(max_examples=40, deadline=None)
@given(pull=PULLS)
def test_a_thread_can_be_drawn_for_any_title(pull: PullRequest) -> None:
    checked(pull)
