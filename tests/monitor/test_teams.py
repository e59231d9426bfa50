"""A team that is asked for a review, over the wire: its linked members, where the token may read them."""

import pytest

from bridge.monitor import teams
from tests.conftest import House, eventually
from tests.kits.accounts import link
from tests.kits.life import THREAD, Life, Thread, know_flow, tags, titles
from tests.kits.monitor import start_poller

MEMBERS = "/orgs/acme/teams/makers/members"


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


async def test_its_linked_members_are_named_and_tagged_and_have_the_turn(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teams, "MAX_MEMBERS", 1)
    await link(life.house, "cy")
    await link(life.house, "ann", scopes="repo read:org")
    await life.house.act("ann-gh", "request_review", number=1, team="makers")
    await shows(life, "Makers: bob-gh (to review)")
    messages = await life.house.messages()
    assert titles(messages)[-1] == "GitHub: Requested a review from Makers: bob-gh"
    assert tags(messages) == ["@bob"]


async def test_it_stands_alone_where_no_account_may_read_it(life: Life) -> None:
    # A delivery is not believed which team it is: GitHub is asked for that first.
    await life.house.act("ann-gh", "request_review", number=1, team="makers")

    async def refused() -> bool:
        return any(
            (one.path.endswith(MEMBERS), one.status) == (True, 403) for one in life.house.github_journal.calls
        )

    await eventually(refused)
    now = await shows(life, "Makers (to review)")
    assert now.fields["Reviewers"] == "… Makers (requested)"
    assert tags(await life.house.messages()) == []
