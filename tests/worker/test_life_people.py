"""People who rename themselves on GitHub: still tagged, still assigned, and nobody in their place."""

from tests.conftest import House
from tests.kits.clicks import begin_open, calls, click
from tests.kits.life import drive, tags


async def test_a_renamed_reviewer_is_tagged_and_blocks_once(working: House) -> None:
    life = await begin_open(working)
    await life.act("ann-gh", "request_review", reviewers=["bob-gh"])
    await life.act("bob-gh", "request_changes", body="No")
    await drive(working, "users/bob-gh", {"login": "robert"})
    assert tags(await life.act("ann-gh", "request_review", reviewers=["robert"])) == ["@bob"]
    assert (await life.thread()).fields["Reviewers"] == "… robert (requested)"
    await life.act("robert", "approve", body="Yes")
    assert (await life.thread()).fields["Reviewers"] == "✓ robert (approved)"


async def test_a_renamed_person_assigns_themselves_and_not_who_took_their_login(working: House) -> None:
    life = await begin_open(working)
    await drive(working, "users/ann-gh", {"login": "annie"})
    await drive(working, "users", {"login": "ann-gh"})
    await drive(working, "users/ann-gh", {"permission": "write"})

    outcome = await click(life, "ann", "Assign to me")
    assert outcome["message"] == "Assigned acme/component#1 to @annie."
    assert ("GET", "/api/v3/user") in calls(life)
    assert tags(await life.news()) == []
    assert (await life.thread()).fields["Assignees"] == "annie"
    # From now on a text finds her by the new login, too.
    assert tags(await life.act("cy-gh", "comment", body="@annie")) == ["@ann"]
    account = await working.services.account_store.get("1001")
    assert account is not None
    assert (account.github.id, account.github.login) == (1001, "annie")


async def test_a_text_finds_a_renamed_person_before_they_do_anything(working: House) -> None:
    life = await begin_open(working)
    await drive(working, "users/bob-gh", {"login": "robert"})
    await drive(working, "users", {"login": "bob-gh"})
    assert tags(await life.act("cy-gh", "comment", body="@robert")) == []
    await working.services.connection_monitor(spacing=0).round(working.services.stop)
    assert tags(await life.act("cy-gh", "comment", body="@robert and @bob-gh")) == ["@bob"]


async def test_a_request_tags_a_person_whom_the_text_did_not_find(working: House) -> None:
    """The body's login is new, and bridge knows the old one: only the request tells the id."""
    life = await begin_open(working)
    await drive(working, "clock", {"tick": False})
    await drive(working, "users/bob-gh", {"login": "robert"})
    for login, told in (("robert", ["@bob"]), ("cy-gh", ["@cy"])):
        opened = await working.act("ann-gh", "open", title="One deed", head=login, body=f"@{login}")
        await life.act("ann-gh", "request_review", number=opened["number"], reviewers=[login])
        messages = await working.messages()
        assert tags(messages[-2:]) == told
