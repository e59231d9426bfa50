"""The templates' filters: times, events and refusals in words."""

import pytest

from bridge.web.render import ago, as_sentence, event_name, exact, words

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (-9, "just now"),
        (-59, "59 s ago"),
        (-60, "1 min ago"),
        (-3599, "59 min ago"),
        (-3600, "1 h ago"),
        (-86399, "23 h ago"),
        (-86400, "1 day ago"),
        (-5 * 86400, "5 days ago"),
        (-70 * 86400, "6 Nov 2026"),
        (0.5, "just now"),
        (5, "in 5 s"),
        (125, "in 2 min"),
        (7300, "in 2 h"),
    ],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert words(NOW + seconds, NOW) == said


@pytest.mark.parametrize(
    ("event", "action", "said"),
    [
        ("check_run", "completed", "Check run completed"),
        ("pull_request", "synchronize", "Pull request got new commits"),
        ("bridge.job_log", "", "Job log"),
        ("", "", "Delivery"),
    ],
)
def test_an_event_is_named_in_words(event: str, action: str, said: str) -> None:
    assert event_name(event, action) == said


def test_a_moment_says_the_exact_time_to_machines_and_on_pointing() -> None:
    assert exact(NOW) == "15 Jan 2027, 08:00 UTC"
    assert ago(NOW).startswith('<time datetime="2027-01-15T08:00:00Z" title="15 Jan 2027, 08:00 UTC">')


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ("this page has expired", "This page has expired."),
        ("Wait 5 seconds.", "Wait 5 seconds."),
        ("is it you?", "Is it you?"),
        ("acme/api#1 is closed", "acme/api#1 is closed."),
        ("bridge cannot reach Redis", "bridge cannot reach Redis."),
    ],
)
def test_a_refusal_becomes_a_sentence(refusal: str, said: str) -> None:
    assert as_sentence(refusal) == said
