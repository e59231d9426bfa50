"""Noise control: what a connection hears of, and that what it does not hear of is still true."""

from typing import Any

import pytest

from bridge.core.errors import BridgeError
from bridge.core.options import GROUPS, Options
from tests.kits.core import check_samples
from tests.kits.core.pipeline import Bridge, connection
from tests.kits.core.row import Told
from tests.kits.core.samples import label, on_comment, on_pull, on_review, pull, user

NOON, LATER, LAST = "2026-03-10T12:00:00Z", "2026-03-10T12:00:01Z", "2026-03-10T12:00:02Z"


def did(action: str, at: str = LATER, *, by: str = "ann", **fields: Any) -> Told:
    extra = {"label": label("bug")} if action == "labeled" else {}
    return ("pull_request", on_pull(action, pull(updated_at=at, **fields), by=by, **extra))


def commented(by: str = "bob", *, number: int = 500, **fields: Any) -> Told:
    return ("issue_comment", on_comment("created", pull(updated_at=LATER, **fields), by=by, id=number))


def reviewed(by: str = "bob") -> Told:
    return ("pull_request_review", on_review("submitted", pull(updated_at=LATER), by=by))


FAILED: Told = ("check_run", check_samples.run("build", "failure"))
OPENED, DRAFT = did("opened", NOON), did("opened", NOON, draft=True)
CLOSED, MERGED = did("closed", state="closed"), did("closed", state="closed", merged=True, merged_at=LATER)
READY, TO_DRAFT = did("ready_for_review", LATER), did("converted_to_draft", LAST, draft=True)
ROBOT: dict[str, Any] = {"user": user("dependabot[bot]")}
AGENT: dict[str, Any] = {"user": user("Copilot")}
BY_BOT = did("opened", NOON, by="dependabot[bot]", **ROBOT)
STABLE: dict[str, Any] = {"base": {**pull()["base"], "ref": "release/1.0"}}

HEARD: list[tuple[str, dict[str, Any], list[Told], list[bool]]] = [
    # What the connection chose, what comes, and whether each is told.
    ("all as it is", {}, [OPENED, commented(), reviewed(), FAILED, CLOSED], [True] * 5),
    ("no comments", {"groups": ("reviews",)}, [OPENED, commented(), reviewed()], [True, False, True]),
    (
        "no groups: status all the same",
        {"groups": ()},
        [OPENED, commented(), FAILED, MERGED],
        [True, False, False, True],
    ),
    ("labels in short, as it is", {}, [OPENED, did("labeled", labels=[label("bug")])], [True, True]),
    (
        "no labels where other news is muted",
        {"groups": ("comments",)},
        [OPENED, did("labeled", labels=[label("bug")])],
        [True, False],
    ),
    ("labels", {"labels": True}, [OPENED, did("labeled", labels=[label("bug")])], [True, True]),
    ("drafts as they are", {}, [DRAFT, commented(draft=True), READY], [True, True, True]),
    (
        "drafts quiet until ready",
        {"drafts": "quiet"},
        [DRAFT, commented(draft=True), READY, commented(number=501)],
        [False, False, True, True],
    ),
    (
        "a quiet draft is closed",
        {"drafts": "quiet"},
        [DRAFT, did("closed", state="closed", draft=True)],
        [False, False],
    ),
    (
        "back to draft is told, and then quiet",
        {"drafts": "quiet"},
        [OPENED, TO_DRAFT, ("issue_comment", on_comment("created", pull(updated_at=LAST, draft=True)))],
        [True, True, False],
    ),
    ("a robot's, as it is", {}, [BY_BOT, commented(**ROBOT)], [True, True]),
    (
        "a robot's, status only",
        {"bots": "state"},
        [BY_BOT, commented(**ROBOT), did("closed", state="closed", **ROBOT)],
        [True, False, True],
    ),
    (
        "a robot's, not at all",
        {"bots": "none"},
        [BY_BOT, commented(**ROBOT), did("closed", state="closed", by="ann", **ROBOT)],
        [False, False, False],
    ),
    (
        "a robot comments, status only",
        {"bots": "state"},
        [OPENED, commented("ci[bot]"), commented(number=501)],
        [True, False, True],
    ),
    (
        "an agent's, status only",
        {"bots": "state"},
        [did("opened", NOON, by="Copilot", **AGENT), commented(**AGENT), commented("Copilot", **AGENT)],
        [True, False, False],
    ),
    ("an agent's, not at all", {"bots": "none"}, [did("opened", NOON, by="Copilot", **AGENT)], [False]),
    ("a robot comments, none of robots'", {"bots": "none"}, [OPENED, commented("ci[bot]")], [True, False]),
    (
        "a robot closes, none of robots'",
        {"bots": "none"},
        [OPENED, did("closed", by="ci[bot]", state="closed")],
        [True, True],
    ),
    ("a base that is chosen", {"bases": ("main", "release/*")}, [did("opened", NOON, **STABLE)], [True]),
    ("a base that is not", {"bases": ("release/*",)}, [OPENED, MERGED], [False, False]),
    ("a base of other case", {"bases": ("Main",)}, [OPENED], [False]),
    (
        "retargeted",
        {"bases": ("release/*",)},
        [OPENED, ("pull_request", on_pull("edited", pull(updated_at=LATER, **STABLE), changes={}))],
        [False, True],
    ),
]


@pytest.mark.parametrize(("chosen", "told", "heard"), [pytest.param(*row, id=name) for name, *row in HEARD])
def test_a_connection_hears_of_what_it_chose(
    chosen: dict[str, Any], told: list[Told], heard: list[bool]
) -> None:
    bridge = Bridge(connection(**chosen))
    assert [bridge.says(*one) is not None for one in told] == heard


def test_an_untold_change_shows_with_the_next_message() -> None:
    bridge = Bridge(connection(groups=()))
    bridge.play([OPENED, did("labeled", LATER, labels=[label("bug")]), reviewed()])
    bridge.tell(*did("closed", LAST, state="closed", labels=[label("bug")], title="Other"))
    assert bridge.thread()["title"] == "Other"
    assert bridge.fields()["Labels"] == "bug"
    assert bridge.fields()["Reviewers"] == "✓ bob (approved)"


def test_connections_choose_for_themselves() -> None:
    bridge = Bridge(connection("all"), connection("quiet", groups=()), connection("none", bases=("x",)))
    assert [one.connection.id for one in bridge.tell(*OPENED)] == ["all", "quiet"]
    assert [one.connection.id for one in bridge.tell(*commented())] == ["all"]


# Keeping and reading


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"groups": []},
        {"groups": list(GROUPS)},
        {"drafts": "quiet", "bots": "none", "labels": True, "bases": ["main", "release/*"]},
    ],
    ids=str,
)
def test_options_are_read_as_they_were_kept(values: dict[str, Any]) -> None:
    options = Options.read(values)
    assert Options.read(options.dump()) == options
    kept = {
        name: list(value) if isinstance(value, tuple) else value for name, value in options.dump().items()
    }
    assert kept | values == kept


def test_without_a_choice_all_is_heard_but_labels() -> None:
    assert set(Options().groups) == set(GROUPS) - {"labels"}
    assert (Options().drafts, Options().bots, Options().labels, Options().bases) == ("all", "all", False, ())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"noise": 1}, "there is no option noise"),
        ({"b": 1, "a": 2}, "there is no option a, b"),
        ({"groups": ["reviews", "gossip"]}, "there is no group gossip; the groups are status"),
        ({"groups": "reviews"}, "groups must be a list of words"),
        ({"groups": None}, "groups must be a list of words"),
        ({"groups": [1]}, "groups must be a list of words"),
        ({"bases": "main"}, "bases must be a list of words"),
        ({"bases": [None]}, "bases must be a list of words"),
        ({"labels": "yes"}, "labels must be true or false"),
        ({"labels": 1}, "labels must be true or false"),
        ({"drafts": "none"}, "drafts must be one of all, quiet"),
        ({"drafts": None}, "drafts must be one of all, quiet"),
        ({"bots": "some"}, "bots must be one of all, state, none"),
        ({"bots": ["all"]}, "bots must be one of all, state, none"),
    ],
    ids=str,
)
def test_an_invalid_option_is_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(BridgeError) as refused:
        Options.read(values)
    assert words in str(refused.value)
