"""bridge as the walk-throughs install it: the unit's commands are run, the other files held to the code."""

import configparser
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bridge.cli import env_files
from scripts.sandbox.house import free_port, until

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMMANDS = {"serve", "web", "worker"}


def unit() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    # systemd's keys tell upper from lower case.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / "deploy/bridge.service")
    return parser["Service"]


def filled_in(tmp_path: Path, **more: str) -> dict[str, str]:
    """The settings of `bridge init` as somebody fills them in."""
    made = env_files.parse(env_files.render("https://bridge.example.com"), where="bridge.env")
    filled = made | {name: "given" for name in made if "_CLIENT_" in name}
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), **filled, **more}


def arguments(line: str) -> list[str]:
    python, *rest = shlex.split(line)
    assert python == "/opt/bridge/.venv/bin/python"
    return [sys.executable, *rest]


async def test_the_systemd_unit_starts_bridge_and_stops_it(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environ = filled_in(tmp_path, PORT=str(port), WEB_URL=address)
    checked = subprocess.run(  # noqa: ASYNC221
        arguments(unit()["ExecStartPre"]),
        check=False,
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    process = subprocess.Popen(arguments(unit()["ExecStart"]), cwd=tmp_path, env=environ)  # noqa: ASYNC220
    try:
        async with aiohttp.ClientSession() as http:

            async def ready() -> bool:
                try:
                    async with http.get(f"{address}/readyz") as response:
                        return response.status == 200
                except aiohttp.ClientError:
                    return False

            await until(ready, "bridge does not get ready")
        process.send_signal(signal.SIGTERM)
        assert process.wait(int(unit()["TimeoutStopSec"])) == 0
    finally:
        process.kill()
        process.wait()


def test_the_image_holds_what_bridge_needs_and_nothing_else() -> None:
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert {f"!{source}" for source in copied} == {line for line in ignored if line.startswith("!")}
    assert all((ROOT / source).exists() for source in copied)
    version = (ROOT / ".python-version").read_text().strip()
    assert set(re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE)) == {version}
    assert 'ENTRYPOINT ["python", "-m", "bridge"]' in DOCKERFILE
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize(
    ("schema", "file"),
    [("compose-spec", "compose.yaml"), ("github-workflows", ".github/workflows/test.yml")],
)
def test_files_for_other_tools_are_valid_by_their_schemas(schema: str, file: str) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", file]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_githubs_ci_runs_every_check_in_the_image_of_the_dockerfile() -> None:
    job = WORKFLOW["jobs"]["test"]
    assert f"FROM {job['container']}\n" in DOCKERFILE
    assert job["steps"][-1] == {"run": ".ci/run"}
    assert (ROOT / ".ci/run").read_text().endswith("\nexec scripts/test\n")
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one)] == []


def test_images_are_named_by_their_digests() -> None:
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images += [service["image"] for service in COMPOSE["services"].values() if "image" in service]
    assert len(images) == 3
    for image in images:
        assert re.fullmatch(r"[a-z]+:[0-9a-z.-]+@sha256:[0-9a-f]{64}", image), image
    assert len(set(images)) == 2, "both stages are of one image"


def test_compose_runs_both_halves_over_a_redis_that_keeps_its_promises() -> None:
    services = COMPOSE["services"]
    assert {services[name]["command"] for name in ("web", "worker")} == {"web", "worker"} <= COMMANDS
    redis = shlex.split(services["redis"]["command"])
    assert redis[redis.index("--appendonly") + 1] == "yes"
    assert redis[redis.index("--maxmemory-policy") + 1] == "noeviction"
    assert services["redis"]["volumes"] == ["redis:/data"]
    assert all(published.startswith("127.0.0.1:") for published in services["web"]["ports"])
    assert "ports" not in services["redis"], "Redis is for bridge alone"
    for name in ("web", "worker"):
        assert services[name]["env_file"] == "bridge.env"
        assert services[name]["environment"]["REDIS_URL"].startswith("redis://redis:")
