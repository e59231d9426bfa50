"""The demo's words: where to begin last, which ports were taken, and who can reach it."""

from pathlib import Path

import aiohttp
import pytest

from scripts.sandbox import demo
from scripts.sandbox.house import House

BEGIN = "http://127.0.0.1:9000/inbox/flows/team/main"


@pytest.fixture
async def house(tmp_path: Path) -> House:
    """bridge has the port that was asked for, GitHub another."""
    async with aiohttp.ClientSession() as http:
        bridge, github = (f"http://127.0.0.1:{port}" for port in (9000, 20_000))
        return House(data=tmp_path, bridge=bridge, flowdock="", github=github, http=http)


@pytest.mark.parametrize("app", [False, True])
def test_the_address_to_begin_at_comes_last_and_taken_ports_are_said(house: House, app: bool) -> None:
    said = demo.welcome(
        house, BEGIN, port=9000, app=app, log=Path("/tmp/log"), colours=False, thread="the first"
    )
    assert said.startswith("Port 9001 is taken: GitHub has 20000 instead. --port chooses others.\n")
    assert said.splitlines()[-1].split() == ["Open", "this:", BEGIN]
    for part in ("http://127.0.0.1:20000/acme/component/pulls", "http://127.0.0.1:9000\n", "/tmp/log"):
        assert part in said
    assert ("Open the first;" in said) is not app
    for name in ("Ann (ann-gh)", "Bob (bob-gh)", "Cy  (cy-gh)"):
        assert name in said
    bold = demo.welcome(
        house, BEGIN, port=9000, app=app, log=Path("/tmp/log"), colours=True, thread="the first"
    )
    assert bold.replace("\x1b[1m", "").replace("\x1b[0m", "") == said != bold


def test_bridge_listens_on_this_machine_alone(house: House) -> None:
    assert house.environ["LISTEN_ADDRESS"] == "127.0.0.1"
    assert not [name for name in house.environ if name.startswith("FLOWDOCK")], "bridge has its own inbox"


@pytest.mark.parametrize("with_it", ["--check", "--gallery"])
def test_the_app_way_has_no_repository_to_play_with(capsys: pytest.CaptureFixture[str], with_it: str) -> None:
    with pytest.raises(SystemExit) as refused:
        demo.main(["--app", with_it])
    assert refused.value.code == 2
    assert "--check and --gallery need a repository" in capsys.readouterr().err
