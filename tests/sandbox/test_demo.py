"""The demo's words: addresses last, which ports were taken, and that it listens on this machine alone."""

from pathlib import Path

import aiohttp
import pytest

from scripts.sandbox import demo
from scripts.sandbox.house import House


@pytest.fixture
async def house(tmp_path: Path) -> House:
    """Its stand-ins have the ports that were asked for, but for Flowdock's."""
    async with aiohttp.ClientSession() as http:
        bridge, flowdock, github = (f"http://127.0.0.1:{port}" for port in (9000, 20_000, 9002))
        return House(data=tmp_path, bridge=bridge, flowdock=flowdock, github=github, http=http)


@pytest.mark.parametrize(
    ("app", "path"), [(False, "http://127.0.0.1:9000"), (True, "http://127.0.0.1:9000/github/manifest")]
)
def test_the_addresses_come_last_and_taken_ports_are_said(house: House, app: bool, path: str) -> None:
    said = demo.welcome(house, port=9000, app=app, log=Path("/tmp/log"), colours=False)
    assert said.startswith("Port 9001 is taken: Flowdock has 20000 instead. --port chooses others.\n")
    assert [line.split() for line in said.splitlines()[-3:]] == [
        ["GitHub", "http://127.0.0.1:9002/acme/component/pulls"],
        ["Flowdock", "http://127.0.0.1:20000/app/acme/main"],
        ["bridge", path],
    ]
    assert "/tmp/log" in said
    for name in ("Ann (ann-gh)", "Bob (bob-gh)", "Cy  (cy-gh)"):
        assert name in said
    bold = demo.welcome(house, port=9000, app=app, log=Path("/tmp/log"), colours=True)
    assert bold.replace("\x1b[1m", "").replace("\x1b[0m", "") == said != bold


def test_bridge_listens_on_this_machine_alone(house: House) -> None:
    assert house.environ["LISTEN_ADDRESS"] == "127.0.0.1"


@pytest.mark.parametrize("with_it", ["--check", "--gallery"])
def test_the_app_way_has_no_repository_to_play_with(capsys: pytest.CaptureFixture[str], with_it: str) -> None:
    with pytest.raises(SystemExit) as refused:
        demo.main(["--app", with_it])
    assert refused.value.code == 2
    assert "--check and --gallery need a repository" in capsys.readouterr().err
