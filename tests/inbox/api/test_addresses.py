"""Old clients' addresses lead where they mean, with the same headers, limits and masks."""

import pytest

from bridge.inbox.api.addresses import AT_ROOT, canonical
from bridge.inbox.context import API
from tests.inbox.conftest import Team


@pytest.mark.parametrize(
    ("came", "meant"),
    [
        ("/flows", f"{API}/flows"),
        ("//flows/team/main", f"{API}/flows/team/main"),
        (f"{API}//flows", f"{API}/flows"),
        (f"//inbox///api/flows//{'x%2Fy'}", f"{API}/flows/x%2Fy"),
        (f"{API}/flows", f"{API}/flows"),
        ("/v1/messages/chat/TOKEN", f"{API}/v1/messages/chat/TOKEN"),
        ("/", "/"),
        ("//", "//"),
        ("//account", "//account"),
        ("/inbox", "/inbox"),
        ("/flowsy", "/flowsy"),
        ("/%66lows", "/%66lows"),
    ],
)
def test_an_address_of_the_api_is_told_from_others(came: str, meant: str) -> None:
    assert canonical(came) == meant


async def test_each_address_of_the_api_is_there_at_the_root_and_hides_none_of_bridges(team: Team) -> None:
    paths = [resource.canonical for resource in team.app.router.resources()]
    of_api = {path.split("/")[3].partition("{")[0] for path in paths if path.startswith(f"{API}/")}
    others = {path.split("/")[1] for path in paths if not path.startswith(f"{API}/")}
    assert of_api <= AT_ROOT
    assert not others & AT_ROOT


async def test_an_old_address_answers_as_the_one_it_means(
    team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await team.token("bob")
    for path, status in (
        ("/user", 200),
        ("/flows?users=1", 200),
        ("//private", 404),
        ("/user/none", 404),
        ("/v1/messages/chat/secret", 405),
    ):
        answers = []
        for url in (team.url, team.api):
            async with team.http.get(url + path, headers={"Authorization": f"Bearer {token}"}) as response:
                headers = {name: value for name, value in response.headers.items() if name != "Date"}
                answers.append((response.status, await response.text(), headers))
        assert answers[0] == answers[1]
        assert answers[0][0] == status
        assert "Content-Security-Policy" in answers[0][2]
    assert "secret" not in capsys.readouterr().out
