"""The shared words: what they show of themselves, and how they name things."""

import pytest

from bridge.core.model import (
    Connection,
    Delivery,
    FlowdockUser,
    GitHubToken,
    GitHubUser,
    LinkedAccount,
    Target,
)

TOKEN = GitHubToken(access="s-access", refresh="s-refresh", expires_at=1, scopes=("repo",))
HOLDERS = [
    TOKEN,
    LinkedAccount(
        flowdock=FlowdockUser(id="1001", nick="ann", name="Ann Ames"),
        github=GitHubUser(id=1001, login="ann-gh"),
        token=TOKEN,
        linked_at=0,
    ),
    Connection(
        id="main", repository="acme/component", repository_id=1, name="", flow_token="s-flow", created_at=0
    ),
    Delivery(id="1", event="pull_request", payload={"title": "s-title"}, body=b"s-body"),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_secrets_do_not_show_in_repr(holder: object) -> None:
    assert "s-" not in repr(holder)
    assert "s-" not in str(holder)


def test_a_target_is_named_as_people_write_it_and_by_the_path_of_its_button() -> None:
    target = Target(owner="acme", repo="component", number=42, action="assign-to-me")
    assert str(target) == "acme/component#42"
    assert target.path == "/repos/acme/component/pulls/42/assign-to-me"
