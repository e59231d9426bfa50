"""Pull requests as the core sees them, made by hand."""

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.core.pulls.model import (
    Branch,
    Changes,
    Check,
    CheckState,
    Link,
    Person,
    PullRequest,
    Reviewer,
    ReviewState,
)

PAGE = "https://github.com/acme/component/pull/1"
COMPONENT = "https://github.com/acme/component"
ANN = Person(login="ann-gh", url="https://github.com/ann-gh")
HEAD = Branch(ref="fix", sha="a" * 40, repository="acme/component", repository_url=COMPONENT)

OPEN = PullRequest(
    repository="acme/component",
    repository_url=COMPONENT,
    number=1,
    url=PAGE,
    title="Fix bug in thread API",
    body="Why",
    state="open",
    draft=False,
    author=ANN,
    head=HEAD,
    base=replace(HEAD, ref="main", sha="b" * 40),
)


def a_pull(**fields: Any) -> PullRequest:
    return replace(OPEN, **fields)


def reviewer(name: str, state: ReviewState, *, is_team: bool = False) -> Reviewer:
    return Reviewer(name=name, url=f"https://github.com/{name}", state=state, is_team=is_team)


def check(name: str, state: CheckState, **fields: Any) -> Check:
    return Check(name=name, state=state, url=f"https://ci.example/{name}", **fields)


PASSED, RUNNING = check("lint", "passed"), check("test", "running")
FAILED, WAITING = check("build", "failed", run_id=33), check("e2e", "waiting", run_id=34)
APPROVED, REFUSED = reviewer("bob", "approved"), reviewer("cy", "changes requested")
ASKED, TEAM = reviewer("dee", "requested"), reviewer("Core", "requested", is_team=True)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WORD = TEXT.filter(str.strip)
PEOPLE = st.builds(Person, login=WORD, url=TEXT, id=st.integers(0, 5))
BRANCHES = st.builds(Branch, ref=WORD, sha=TEXT, repository=TEXT, repository_url=TEXT)
LINKS = st.builds(Link, name=WORD, url=TEXT)
COUNT = st.integers(0)
PULLS = st.builds(
    PullRequest,
    repository=st.just("acme/component"),
    repository_url=TEXT,
    number=st.integers(1, 2**53 - 1),
    url=st.just(PAGE),
    title=TEXT,
    body=TEXT,
    state=st.sampled_from(["open", "closed", "merged"]),
    draft=st.booleans(),
    author=PEOPLE,
    head=st.none() | BRANCHES,
    base=st.none() | BRANCHES,
    assignees=st.lists(PEOPLE, max_size=3).map(tuple),
    labels=st.lists(LINKS, max_size=12).map(tuple),
    milestone=st.none() | LINKS,
    reviewers=st.lists(
        st.builds(
            Reviewer,
            name=WORD,
            url=TEXT,
            state=st.sampled_from(["approved", "changes requested", "requested"]),
            is_team=st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    changes=st.none() | st.builds(Changes, additions=COUNT, deletions=COUNT, files=COUNT, commits=COUNT),
    auto_merge=st.booleans(),
    queued=st.booleans(),
    mergeable=st.none() | st.booleans(),
    unresolved=st.lists(TEXT, max_size=12).map(tuple),
    checks=st.lists(
        st.builds(Check, name=WORD, state=st.sampled_from(["passed", "failed", "running"]), url=TEXT),
        max_size=12,
    ).map(tuple),
)
