"""A connection's problem by the observation, and the missed deliveries that are requested again."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.core.github.health import UNSEEN, Hint, Observation, assess, concerns, hint_of
from bridge.core.github.redelivery import Attempt, missed, read_attempt
from bridge.core.model import Connection, Delivery, Problem

NOW = 1_800_000_000.0
CONNECTION = Connection(
    id="c1",
    repository="acme/component",
    repository_id=1,
    name="acme/component",
    flow_token="t",
    created_at=1,
    flow="acme/main",
    source_id="7",
    installer="1003",
    hook_id=5,
)
BY_HAND = replace(CONNECTION, installer="", hook_id=None)
HANDED_OVER = replace(CONNECTION, installer="", hook_by="cy-gh")
BY_COMMAND = replace(CONNECTION, installer="")
WITHOUT_HOOK_ID = replace(CONNECTION, hook_id=None)


def trouble(kind: Any, text: str = "something", since: int = 5) -> Problem:
    return Problem(kind=kind, text=text, since=since)


def attempt(
    at: float, status: str = "OK", code: int = 200, guid: str = "a", *, redelivery: bool = False
) -> Attempt:
    return Attempt(id=int(at), guid=guid, at=at, status=status, code=code, redelivery=redelivery)


FAILED = attempt(NOW - 60, "Invalid HTTP Response: 503", 503)
REFUSED = attempt(NOW - 60, "failed to connect to host", 502)


@pytest.mark.parametrize(
    ("connection", "seen", "kind", "words"),
    [
        (CONNECTION, Observation(), None, ""),
        (CONNECTION, Observation(hooked=False), "hook", "was deleted on GitHub"),
        (CONNECTION, Observation(problems=("it is inactive",)), "hook", "it is inactive. Repair the webhook"),
        (
            CONNECTION,
            Observation(problems=("it has no secret", "it does not send push")),
            "hook",
            "it has no secret, and it does not send push",
        ),
        (CONNECTION, Observation(found=False), "repository", "acme/component is gone"),
        (CONNECTION, Observation(archived=True), "repository", "is archived"),
        (CONNECTION, UNSEEN, "account", "is no longer linked"),
        (CONNECTION, Observation(administers=False), "account", "is no longer an administrator"),
        (CONNECTION, Observation(attempts=[FAILED]), "deliveries", "Invalid HTTP Response: 503."),
        (CONNECTION, Observation(attempts=[REFUSED]), "deliveries", "failed to connect to host (502)."),
        (CONNECTION, Observation(attempts=[FAILED, attempt(NOW - 120)]), None, ""),
        (CONNECTION, Observation(attempts=[FAILED, attempt(NOW - 3700)]), "deliveries", "503"),
        (CONNECTION, Observation(attempts=[replace(FAILED, at=NOW - 3700)]), None, ""),
        # Where nobody ever saw the webhook, what is not seen is no trouble.
        (BY_HAND, UNSEEN, None, ""),
        (HANDED_OVER, UNSEEN, None, ""),
        (BY_COMMAND, UNSEEN, None, ""),
        # Somebody took it over, and went.
        (replace(HANDED_OVER, installer="1001"), UNSEEN, "account", "is no longer linked"),
        (WITHOUT_HOOK_ID, UNSEEN, None, ""),
        (WITHOUT_HOOK_ID, Observation(administers=False), None, ""),
        (WITHOUT_HOOK_ID, Observation(hooked=False), None, ""),
        (WITHOUT_HOOK_ID, Observation(archived=True), "repository", "is archived"),
        (WITHOUT_HOOK_ID, Observation(problems=("it is inactive",)), "hook", "inactive"),
    ],
)
def test_each_observation_is_its_problem(
    connection: Connection, seen: Observation, kind: Any, words: str
) -> None:
    found = assess(connection, seen, "", now=NOW)
    if kind is None:
        assert found is None
    else:
        assert found is not None
        assert (found.kind, found.since) == (kind, int(NOW))
        assert words in found.text


@pytest.mark.parametrize(
    ("known", "seen", "hint", "kind"),
    [
        (None, UNSEEN, "removed", "hook"),
        (None, UNSEEN, "archived", "repository"),
        (None, UNSEEN, "heard", None),
        ("hook", UNSEEN, "came", None),
        ("hook", UNSEEN, "", "hook"),
        ("hook", UNSEEN, "heard", None),
        ("repository", UNSEEN, "", "repository"),
        ("repository", UNSEEN, "heard", None),
        ("account", UNSEEN, "", None),
        ("deliveries", UNSEEN, "", None),
        ("hook", Observation(hooked=False), "", "hook"),
        ("hook", Observation(), "", None),
        ("repository", Observation(administers=False), "", None),
    ],
)
def test_where_the_webhook_is_not_shown_events_tell(
    known: Any, seen: Observation, hint: Hint, kind: Any
) -> None:
    before = replace(WITHOUT_HOOK_ID, problem=trouble(known) if known else None)
    found = assess(before, seen, hint, now=NOW)
    assert (found.kind if found else None) == kind


@pytest.mark.parametrize("hint", ["removed", "archived", "heard", "came", ""])
def test_observations_count_over_events(hint: Hint) -> None:
    assert assess(CONNECTION, Observation(), hint, now=NOW) is None


@pytest.mark.parametrize("hint", ["removed", "archived", "heard", "came", ""])
@pytest.mark.parametrize("known", [None, "hook", "repository"])
def test_an_observed_installation_counts_over_events(hint: Hint, known: Any) -> None:
    before = replace(WITHOUT_HOOK_ID, problem=trouble(known) if known else None)
    taken = assess(before, replace(UNSEEN, installed=False), hint, now=NOW)
    assert taken is not None
    assert taken.text == (
        "The GitHub App no longer has access to acme/component. Install it again, or disconnect."
    )
    given = assess(replace(before, problem=taken), replace(UNSEEN, installed=True), hint, now=NOW)
    assert (given.kind if given else None) == ("repository" if hint == "archived" else None)


@pytest.mark.parametrize(
    "seen",
    [
        Observation(hooked=False),
        Observation(problems=("it is inactive",)),
        Observation(found=False),
        Observation(archived=True),
        UNSEEN,
        Observation(attempts=[FAILED]),
    ],
)
def test_a_trouble_that_goes_on_is_the_one_that_is_known(seen: Observation) -> None:
    first = assess(CONNECTION, seen, "", now=NOW)
    assert first is not None
    assert assess(replace(CONNECTION, problem=first), seen, "", now=NOW + 600) is first


def test_another_text_of_the_same_kind_keeps_since_when() -> None:
    first = assess(CONNECTION, Observation(hooked=False), "", now=NOW)
    then = assess(
        replace(CONNECTION, problem=first), Observation(problems=("it has no secret",)), "", now=NOW + 60
    )
    assert first is not None
    assert then is not None
    assert (then.since, then.text == first.text) == (int(NOW), False)


def test_another_status_of_a_failing_delivery_is_no_news() -> None:
    first = assess(CONNECTION, Observation(attempts=[FAILED]), "", now=NOW)
    again = replace(CONNECTION, problem=first)
    assert assess(again, Observation(attempts=[REFUSED, FAILED]), "", now=NOW) is first


def test_an_hour_without_deliveries_does_not_end_their_trouble() -> None:
    first = assess(CONNECTION, Observation(attempts=[FAILED]), "", now=NOW)
    again = replace(CONNECTION, problem=first)
    assert assess(again, Observation(attempts=[FAILED]), "", now=NOW + 7200) is first
    later = [attempt(NOW + 7100), FAILED]
    assert assess(again, Observation(attempts=later), "", now=NOW + 7200) is None


@pytest.mark.parametrize(
    ("event", "action", "kind", "hint"),
    [
        ("meta", "deleted", None, "removed"),
        ("repository", "archived", None, "archived"),
        ("repository", "unarchived", None, "heard"),
        ("repository", "renamed", None, "heard"),
        ("repository", "transferred", None, "heard"),
        ("ping", "", None, "heard"),
        ("pull_request", "opened", "hook", "came"),
        ("pull_request", "opened", "deliveries", "came"),
        ("push", "", "repository", "came"),
        ("pull_request", "opened", "account", None),
        ("pull_request", "opened", None, None),
    ],
)
def test_events_that_order_a_checkup(event: str, action: str, kind: Any, hint: Any) -> None:
    delivery = Delivery.of("d", event, {"action": action} if action else {})
    connection = replace(CONNECTION, problem=trouble(kind) if kind else None)
    assert concerns(delivery, connection) == (hint is not None)
    if hint is not None:
        assert hint_of(delivery) == hint


# Missed deliveries

DAY = 24 * 3600


def asked_for(attempts: list[Attempt], asked: dict[str, int] | None = None) -> list[str]:
    return [one.guid for one in missed(attempts, asked or {}, now=NOW).chosen]


def test_a_delivery_that_came_by_any_attempt_is_not_missed() -> None:
    attempts = [
        attempt(NOW - 1, guid="came", redelivery=True),
        attempt(NOW - 2, "failed", 502, "lost"),
        attempt(NOW - 3, "failed", 502, "came"),
        attempt(NOW - 4, guid="fine"),
        # It may even be the first that came, and a later one that failed.
        attempt(NOW - 5, "failed", 502, "twice"),
        attempt(NOW - 6, guid="twice"),
    ]
    assert asked_for(attempts) == ["lost"]


def test_missed_deliveries_are_requested_in_their_order() -> None:
    attempts = [attempt(NOW - age, "failed", 502, guid=str(age)) for age in (1, 2, 3)]
    assert asked_for(attempts) == ["3", "2", "1"]


def test_github_forgets_after_three_days() -> None:
    attempts = [
        attempt(NOW - 3 * DAY + 60, "failed", 502, "kept"),
        attempt(NOW - 3 * DAY, "failed", 502, "gone"),
    ]
    assert asked_for(attempts) == ["kept"]


@pytest.mark.parametrize(("asked", "again"), [(0, True), (1, True), (2, True), (3, False), (4, False)])
def test_each_is_asked_for_three_times_at_the_most(asked: int, again: bool) -> None:
    attempts = [attempt(NOW - 60, "Invalid HTTP Response: 400", 400, redelivery=True)]
    assert bool(asked_for(attempts, {"a": asked})) == again


@pytest.mark.parametrize("code", [502, 504, 503, 0])
def test_while_bridge_cannot_be_reached_one_is_asked_for_to_see(code: int) -> None:
    attempts = [
        attempt(NOW - 1, "failed", code, "b", redelivery=True),
        attempt(NOW - 2, "failed", code, "a", redelivery=True),
        attempt(NOW - 3, "failed", code, "b"),
        attempt(NOW - 4, "failed", code, "a"),
    ]
    found = missed(attempts, {"a": 3, "b": 3}, now=NOW)
    assert ([one.guid for one in found.chosen], found.probing, len(found.failed)) == (["b"], True, 2)

    came = attempt(NOW, guid="b", redelivery=True)
    found = missed([came, *attempts], {"a": 1, "b": 1}, now=NOW)
    assert ([one.guid for one in found.chosen], found.probing) == (["a"], False)


def test_nothing_is_missed_where_nothing_failed() -> None:
    assert missed([], {}, now=NOW).failed == ()
    assert missed([attempt(NOW)], {}, now=NOW).failed == ()


def test_an_attempt_as_github_lists_it() -> None:
    item = {
        "id": 12345678,
        "guid": "0b989ba4-242f-11e5-81e1-c7b6966d2516",
        "delivered_at": "2019-06-03T00:57:16Z",
        "redelivery": False,
        "duration": 0.27,
        "status": "OK",
        "status_code": 200,
        "event": "issues",
        "action": "opened",
        "installation_id": 123,
        "repository_id": 456,
        "throttled_at": None,
    }
    found = read_attempt(item)
    assert found == Attempt(
        id=12345678, guid="0b989ba4-242f-11e5-81e1-c7b6966d2516", at=1559523436.0, status="OK", code=200
    )


@pytest.mark.parametrize("item", [{}, None, [], {"id": "x"}, {"id": 1, "guid": "a", "delivered_at": "soon"}])
def test_anything_else_is_no_attempt(item: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_attempt(item)
