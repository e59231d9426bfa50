"""The form for options: what it shows, and what comes of the fields that a browser sends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.options import GROUPS, PRESETS, Options
from bridge.web.pages.options_form import ABOUT_GROUPS, DEFAULT, OWN, Choices, OptionsRefused, choices, read

QUIET = next(preset.options for preset in PRESETS if preset.slug == "quiet")
OWN_OPTIONS = Options(groups=("status", "reviews"), bots="none", labels=True, bases=("main", "release/*"))


def sent(shown: Choices, *, preset: str | None = None, **changed: str) -> list[tuple[str, str]]:
    """What a browser sends of the form as it was shown; `changed` are single options."""
    fields = {
        "shown": shown.shown,
        "preset": preset or shown.preset,
        "drafts": shown.options.drafts,
        "bots": shown.options.bots,
        "bases": shown.bases,
        **({"labels": "on"} if shown.options.labels else {}),
        **changed,
    }
    return [*fields.items(), *(("group", name) for name, _, heard in shown.groups if heard)]


def test_every_group_has_words() -> None:
    assert set(ABOUT_GROUPS) == set(GROUPS) - {"status", "labels"}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.slug)
def test_each_preset_is_recognised_and_comes_back(preset: object) -> None:
    [found] = [one for one in PRESETS if one is preset]
    shown = choices(found.options)
    assert shown.preset == found.slug
    assert read(sent(shown)) == found.options
    for other in PRESETS:
        assert read(sent(shown, preset=other.slug)) == other.options


def test_a_new_connection_is_offered_the_default() -> None:
    assert (choices().preset, choices().options) == (DEFAULT, QUIET)


def test_options_of_ones_own_come_back() -> None:
    shown = choices(OWN_OPTIONS)
    assert (shown.preset, shown.bases) == (OWN, "main, release/*")
    assert read(sent(shown)) == OWN_OPTIONS


@pytest.mark.parametrize(
    "changed", [{"drafts": "all"}, {"bots": "all"}, {"labels": "on"}, {"bases": "main"}, {"group": "edits"}]
)
def test_a_changed_option_counts_also_where_nobody_chose_as_set_below(changed: dict[str, str]) -> None:
    shown = choices(QUIET)
    fields = [*sent(shown), *changed.items()]
    assert read(fields) != QUIET
    assert read(fields) == read([*fields, ("preset", OWN)])
    with pytest.raises(OptionsRefused, match="You chose “Everything” but also changed single options"):
        read([*fields, ("preset", "everything")])


def test_without_what_was_shown_the_preset_counts() -> None:
    for shown in ("", "{}", "[]", '["quiet", {"loud": 1}]', "[1, 2]", "null"):
        assert read([("preset", "quiet"), ("drafts", "all"), ("shown", shown)]) == QUIET


def test_status_cannot_be_left_out() -> None:
    assert read([("preset", OWN)]).groups == ("status",)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"preset": "loud"}, "There is no such preset"),
        ({"preset": OWN, "drafts": "loud"}, "drafts must be one of all, quiet"),
        ({"preset": OWN, "bots": "loud"}, "bots must be one of all, state, none"),
        ({"preset": OWN, "group": "loud"}, "there is no group loud"),
        ({"preset": OWN, "bases": "x" * 201}, "Give at most"),
        ({"preset": OWN, "bases": "a\x00b"}, "Give at most"),
        ({"preset": OWN, "bases": ",".join(map(str, range(21)))}, "Give at most"),
    ],
)
def test_impossible_options_are_refused(fields: dict[str, str], says: str) -> None:
    with pytest.raises(OptionsRefused, match=says):
        read(fields.items())


def test_base_branches_are_read_as_people_type_them() -> None:
    assert read([("preset", OWN), ("bases", " main ,, release/*\n next ")]).bases == (
        "main",
        "release/*",
        "next",
    )


def test_a_file_in_a_field_is_no_option() -> None:
    assert read([("preset", OWN), ("drafts", b"quiet")]).drafts == "all"


NAMES = ["shown", "preset", "group", "groups", "drafts", "bots", "labels", "bases", "csrf"]
WORDS = st.one_of(
    st.text(max_size=60), st.sampled_from([OWN, "on", "all", "status", "main, release/*", "[" * 60, "{}"])
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), WORDS), max_size=12))
def test_any_form_is_options_or_a_refusal(fields: list[tuple[str, str]]) -> None:
    """And what it became is shown, sent back and read as the same."""
    try:
        options = read(fields)
    except OptionsRefused as refusal:
        assert 400 <= refusal.status < 500
        return
    assert "status" in options.groups
    assert read(sent(choices(options))) == options
