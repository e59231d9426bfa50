"""A team that is asked for a review, over the wire: its linked members, where the token may read them."""

import pytest

from bridge.monitor import teams
from bridge.storage import watches
from tests.conftest import House, eventually
from tests.kits.accounts import link
from tests.kits.life import THREAD, Life, Thread, drive, know_flow, tags, titles
from tests.kits.monitor import start_poller


@pytest.fixture
async def life(house: House, monkeypatch: pytest.MonkeyPatch) -> Life:
    """An open pull request; Bob, who is in the team as Cy is, has linked his account."""
    await start_poller(house, monkeypatch)
    await know_flow(house)
    await link(house, "bob")
    await house.act("ann-gh", "open", title="Fix", head="fix")
    life = Life(house)
    await life.news()
    return life


async def shows(life: Life, turn: str) -> Thread:
    async def shown() -> Thread | None:
        now = await life.thread(THREAD)
        return now if now.fields["Turn"] == turn else None

    found: Thread = await eventually(shown)
    return found


async def read(life: Life) -> None:
    """Wait until GitHub was asked for the teams, and what came of it is told."""

    async def asked() -> bool:
        return any("reviewRequests" in one.body for one in life.house.github_journal.calls)

    await eventually(asked)

    async def answered() -> bool:
        return not await life.house.redis.exists("bridge:watch")

    await eventually(answered)
    await life.news()


@pytest.mark.parametrize(
    ("busy", "turn", "tagged"),
    [
        ([], "Makers: bob-gh (to review)", ["@bob"]),
        (["bob-gh"], "Makers: cy-gh (to review)", ["@cy"]),
        (["bob-gh", "cy-gh"], "Makers (to review)", []),
    ],
)
async def test_its_linked_members_who_are_not_away_are_named_and_tagged_and_have_the_turn(
    life: Life, monkeypatch: pytest.MonkeyPatch, busy: list[str], turn: str, tagged: list[str]
) -> None:
    monkeypatch.setattr(teams, "MAX_MEMBERS", 1)
    await link(life.house, "cy")
    await link(life.house, "ann", scopes="repo read:org")
    for login in busy:
        await drive(life.house, f"users/{login}", {"busy": True})
    await life.house.act("ann-gh", "request_review", number=1, team="makers")
    await read(life)
    await shows(life, turn)
    messages = await life.house.messages()
    named = turn.removesuffix(" (to review)")
    assert titles(messages)[-1].endswith(f"Requested a review from {named}")
    assert tags(messages) == tagged


async def test_changes_of_its_members_show_where_an_app_hears_of_them(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "MEMBERS_SECONDS", 1)
    await link(life.house, "cy", scopes="repo read:org")
    await life.house.hook(events=["membership"], app=True)
    await life.house.act("ann-gh", "request_review", number=1, team="makers")
    await read(life)
    await shows(life, "Makers: bob-gh or cy-gh (to review)")
    await drive(life.house, "teams/makers", {"remove": "cy-gh"})
    await shows(life, "Makers: bob-gh (to review)")
    await drive(life.house, "teams/makers", {"remove": "bob-gh", "add": "cy-gh"})
    await shows(life, "Makers: cy-gh (to review)")


async def test_it_stands_alone_where_no_account_may_read_it(life: Life) -> None:
    # A delivery is not believed which team it is: GitHub is asked for that first.
    await life.house.act("ann-gh", "request_review", number=1, team="makers")
    await read(life)
    now = await shows(life, "Makers (to review)")
    assert now.fields["Reviewers"] == "… Makers (requested)"
    assert tags(await life.house.messages()) == []
