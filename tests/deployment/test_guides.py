"""The install guides, followed: each block of commands is run in order, as far as this machine can."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from bridge import settings
from bridge.cli import env_files
from tests.deployment.test_heroku import self_signed
from tests.kits import guides
from tests.kits.commands import ROOT
from tests.kits.guides import COMMIT, Machine

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    guides.needed("git", "tar")
    return Machine(tmp_path)


@pytest.fixture
def debians_redis(machine: Machine) -> Iterator["redis.Redis"]:
    """Debian's Redis, with the configuration that its package brings."""
    guides.needed("redis-server", "redis-cli")
    for folder in ("var/lib/redis", "var/log/redis", "run/redis", "etc/redis"):
        (machine.root / folder).mkdir(parents=True)
    conf = Path("/etc/redis/redis.conf").read_text()
    for folder in ("/var/lib", "/var/log", "/run"):
        conf = conf.replace(f" {folder}/redis", f" {machine.root}{folder}/redis")
    conf = conf.replace("\nport 6379\n", f"\nport {machine.port}\n")
    (machine.root / "etc/redis/redis.conf").write_text(conf)
    machine.run("systemctl start redis-server")
    with redis.Redis(port=machine.port) as opened:
        yield opened
    machine.run("redis-cli shutdown nosave || true")


def fill_in(file: Path) -> None:
    """Enter what the two registrations give."""
    text = file.read_text()
    for name in ("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"):
        text = text.replace(f"{name}=\n", f"{name}=given\n")
    file.write_text(text)


def unit_is_fine(machine: Machine) -> None:
    """Have systemd itself read the unit, where the guide put it."""
    guides.needed("systemd-analyze")
    unit = machine.root / "etc/systemd/system/bridge.service"
    text = unit.read_text().replace("/opt/bridge", f"{machine.root}/opt/bridge")
    unit.write_text(text.replace("/etc/bridge.env", f"{machine.root}/etc/bridge.env"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def follow(machine: Machine, *parts: str) -> str:
    """Run blocks one after the other; returns what the last one printed."""
    return [machine.run(part) for part in parts][-1]


def test_a_server_is_installed_updated_rolled_back_backed_up_restored_and_cleared(
    machine: Machine, debians_redis: "redis.Redis"
) -> None:
    guides.needed("nginx")
    root, of = machine.root, guides.blocks("vps.md")
    (root / "etc/nginx/nginx.conf").write_text(
        f"pid {root}/run/nginx.pid; error_log stderr; events {{}}"
        f" http {{ access_log off; include {root}/etc/nginx/sites-enabled/*; }}"
    )
    (
        install,
        make_redis_keep,
        make_settings,
        check,
        start,
        proxy,
        update,
        roll_back,
        backup,
        restore,
        remove,
    ) = of

    follow(machine, install, make_redis_keep, make_settings)
    assert debians_redis.config_get("appendonly") == {"appendonly": "yes"}
    fill_in(root / "etc/bridge.env")
    read = settings.read(env_files.read(root / "etc/bridge.env"))
    assert (read.redis_url, read.trust_proxy) == ("redis://127.0.0.1:6379/0", True)
    assert "wrong" not in machine.run(check)
    self_signed(root / "etc/host.pem")
    follow(machine, start, proxy)
    assert "ssl_certificate" in (root / "etc/nginx/sites-enabled/bridge").read_text()
    unit_is_fine(machine)
    assert "systemctl enable --now bridge" in machine.calls()
    assert "YOUR-HOST" in (root / "etc/nginx/sites-enabled/bridge").read_text()

    version = root / "opt/bridge/requirements.txt"
    old = version.read_text()
    (root / "origin/requirements.txt").write_text("new\n")
    subprocess.run([*COMMIT, "--message", "new"], cwd=root / "origin", check=True)
    machine.run(update)
    assert version.read_text() == "new\n"
    machine.run(roll_back)
    assert version.read_text() == old

    debians_redis.set("kept", "before")
    machine.run(backup)
    assert (root / "var/backups/bridge.tar.gz").stat().st_mode & 0o077 == 0
    debians_redis.set("kept", "after")
    (root / "etc/bridge.env").write_text("lost")
    machine.run(restore)
    assert debians_redis.get("kept") == b"before"
    assert settings.read(env_files.read(root / "etc/bridge.env")) == read

    machine.run(remove)
    left = [
        path
        for name in ("opt", "etc/systemd/system", "etc/nginx/sites-enabled")
        for path in (root / name).iterdir()
    ]
    assert left == []
    assert not (root / "etc/bridge.env").exists()


def test_docker_is_called_with_what_compose_and_the_image_have(machine: Machine) -> None:
    root, of = machine.root, guides.blocks("docker.md")
    install, start, update, roll_back, backup, restore, remove = of
    machine.run(install)
    env = root / "bridge/bridge.env"
    assert env.stat().st_mode & 0o077 == 0
    fill_in(env)
    assert settings.read(env_files.read(env)).web_url == "https://bridge.example.com"
    (root / "data/appendonlydir").mkdir()
    (root / "data/appendonlydir/kept").write_text("before")
    follow(machine, start, update, roll_back, backup)
    (root / "data/appendonlydir/kept").write_text("after")
    (root / "data/more").touch()
    follow(machine, restore, remove)
    assert [path.name for path in (root / "data").rglob("*")] == ["appendonlydir", "kept"]
    assert (root / "data/appendonlydir/kept").read_text() == "before"
    composed = [call.split() for call in machine.calls() if call.startswith("docker compose ")]
    assert {call[2] for call in composed} == {"up", "run", "stop", "down"}
    ran = {word for call in composed for word in call if call[2] == "run"}
    assert {"web", "redis"} == ran & COMPOSE["services"].keys()
