"""Run the commands of an install guide in a folder that stands for the machine's root.

git, Redis, nginx, tar and bridge are the real ones. What belongs to the machine itself (packages, users,
systemd, certbot, Docker) is a stand-in in `bin/`, which notes how it was called in `calls`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.sandbox.house import free_port
from tests.kits.commands import ROOT

_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?<![\w.}/])/(?=(opt|etc|var|data)\b)")
_ABSOLUTE = re.compile(r"(?<![\w.:}/])/[a-z][^\s\"';)]*")
ORIGIN = ("bridge", "deploy", "requirements.txt", "compose.yaml", "Dockerfile")
COMMIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--all")

STUBS = {
    **dict.fromkeys(("apt-get", "useradd", "userdel", "chown", "journalctl"), ""),
    "python3": """
        mkdir -p .venv/bin && cp "$ROOT/bin/pip" .venv/bin/pip
        printf '#!/bin/sh\\nexec %s "$@"\\n' "$PYTHON" >.venv/bin/python && chmod +x .venv/bin/python""",
    "pip": "test -f requirements.txt",
    # The doctor looks at the settings alone: nothing else of the installation is there.
    "runuser": 'shift 3; exec "$@" --offline',
    "redis-cli": 'exec /usr/bin/redis-cli -p "$REDIS_PORT" "$@"',
    "nginx": 'exec /usr/sbin/nginx "$@" -q -p "$ROOT" -c "$ROOT/etc/nginx/nginx.conf"',
    # It asks nginx whether all is well, puts the certificate into the site, and asks again.
    "certbot": """
        nginx -t
        pem=$ROOT/etc/host.pem
        with="listen 443 ssl; ssl_certificate $pem; ssl_certificate_key $pem;"
        sed -i "s|^    server_name.*|& $with|" "$ROOT/etc/nginx/sites-enabled/bridge"
        nginx -t""",
    "systemctl": """
        case "$*" in
            *redis-server*)
                case "$1" in
                    stop) redis-cli shutdown ;;
                    start)
                        redis-server "$ROOT/etc/redis/redis.conf"
                        until redis-cli ping; do sleep 0.02; done ;;
                esac ;;
            'reload nginx') nginx -t ;;
        esac""",
    "docker": """
        case "$*" in
            'run --rm bridge '*) shift 3; exec "$PYTHON" -m bridge "$@" ;;
            *--entrypoint*)
                while [ "$1" != --entrypoint ]; do shift; done
                tool=$2; shift 3; exec "$tool" "$@" ;;
        esac""",
}


def needed(*tools: str) -> None:
    """Skip the test without a tool of Debian's; fail it in CI."""
    for tool in tools:
        if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            missing = f"there is no {tool} here: .ci/run installs it"
            pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)


class Machine:
    """A folder that stands for a machine, on which somebody follows a guide."""

    def __init__(self, root: Path) -> None:
        self.root, self.port, self._at = root, free_port(), root
        for name in ("bin", "etc/nginx/sites-enabled", "etc/systemd/system", "var/backups", "opt", "data"):
            (root / name).mkdir(parents=True)
        for name, does in STUBS.items():
            stub = root / "bin" / name
            stub.write_text(f'#!/bin/bash\nset -eu\necho "{name} $*" >>"$ROOT/calls"\n{does}\n')
            stub.chmod(0o755)
        self._make_origin()

    def _make_origin(self) -> None:
        """Make the repository that the guide clones, of what is here."""
        origin = self.root / "origin"
        for name in ORIGIN:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            (origin / name).parent.mkdir(exist_ok=True)
            copy(ROOT / name, origin / name)
        for command in (("git", "init", "--quiet"), ("git", "add", "."), (*COMMIT, "--message", "old")):
            subprocess.run(command, cwd=origin, check=True)

    def run(self, commands: str) -> str:
        """Run commands where the last ones ended; returns what they printed, and fails if they do."""
        script = _PATH.sub(f"{self.root}/", commands).replace("--directory / ", f"--directory {self.root} ")
        script = script.replace("YOUR-COPY-OF-THIS-REPOSITORY", str(self.root / "origin"))
        outside = [
            path for path in _ABSOLUTE.findall(script) if not path.startswith((str(self.root), "/dev/null"))
        ]
        assert not outside, f"this would change the machine itself: {outside}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f'{script}\npwd >"$ROOT/at"'],
            cwd=self._at,
            env={
                "PATH": f"{self.root}/bin:/usr/bin:/bin",
                "ROOT": str(self.root),
                "REDIS_PORT": str(self.port),
                "PYTHON": sys.executable,
                "HOME": str(self.root),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        self._at = Path((self.root / "at").read_text().strip())
        return done.stdout

    def calls(self) -> list[str]:
        """The calls of the stand-ins."""
        return (self.root / "calls").read_text().splitlines()


def blocks(guide: str) -> list[str]:
    """The blocks of commands of a guide, in order."""
    return _BLOCK.findall((ROOT / "docs/install" / guide).read_text())
