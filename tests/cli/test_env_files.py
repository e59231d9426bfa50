"""`bridge init` and `--env-file`: what is written, and that nothing is overwritten, left half or shown."""

import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import settings
from bridge.cli import env_files
from bridge.cli.main import main
from bridge.cli.terminal import WrongArgument
from bridge.core import variables
from tests.kits import loaded
from tests.kits.commands import ROOT

URL = "https://bridge.example.com"
SECRETS = ("SETUP_SECRET", "GITHUB_WEBHOOK_SECRET", "COOKIE_SECRET", "ENCRYPTION_KEY", "METRICS_TOKEN")


def init(*arguments: object) -> int:
    return main(["init", *map(str, arguments)], {})


def test_the_file_is_private_and_says_what_is_still_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bridge.env"
    before = os.umask(0)
    try:
        assert init(file, "--web-url", f"{URL}/") == 0
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    written, told = env_files.read(file), capsys.readouterr()
    client = ["GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"]
    assert f"Still missing: {', '.join(client)}." in told.err
    for path in (
        "/auth/flowdock/callback",
        "/flowdock/setup",
        "/flowdock/configure",
        "/auth/github/callback",
    ):
        assert f"{URL}{path}" in told.err
    assert not any(written[name] in told.out + told.err for name in SECRETS)
    # With those, bridge starts.
    read = settings.read(written | dict.fromkeys(client, "given"))
    assert (read.web_url, read.trust_proxy, read.redis_url) == (URL, True, None)


def test_each_file_has_secrets_of_its_own() -> None:
    made = [env_files.parse(env_files.render(URL), where="") for _ in range(2)]
    values = [one[name] for one in made for name in SECRETS]
    assert len(set(values)) == 2 * len(SECRETS)
    assert min(map(len, values)) >= variables.MIN_SECRET


def test_the_file_names_every_setting_of_the_readme_with_its_default() -> None:
    text = env_files.render(env_files.LOCAL)
    section = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    listed = set(re.findall(r"`([A-Z_]+)`", " ".join(rows)))
    uncommented = re.sub(r"^#([A-Z_]+=)", r"\1", text, flags=re.MULTILINE)
    every = env_files.parse(uncommented, where="")
    assert set(every) == listed
    # What is commented out is what holds without it.
    complete = env_files.parse(text, where="") | dict.fromkeys(
        ("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"), "x"
    )
    assert settings.read(every | complete) == settings.read(complete)


def test_it_is_printed_where_it_cannot_be_written(tmp_path: Path) -> None:
    """As from a container. It is a process of its own: no other test may print secrets."""
    done = loaded.run(tmp_path, "init", "-", "--redis-url", "redis://127.0.0.1:6379/0", environ={})
    assert done.returncode == 0
    printed = env_files.parse(done.stdout, where="-")
    assert printed["REDIS_URL"] == "redis://127.0.0.1:6379/0"
    assert (printed["WEB_URL"], printed["TRUST_PROXY"]) == ("http://localhost:8080", "0")
    assert "cannot reach this address" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, link = tmp_path / "mine", tmp_path / "link"
    mine.write_text("mine")
    link.symlink_to(tmp_path / "nowhere")
    for file in (mine, link, tmp_path):
        assert init(file) == 1
        assert "already exists: name another file" in capsys.readouterr().err
    assert mine.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@contextmanager
def small_disk() -> Iterator[None]:
    """Files end after 100 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_cannot_be_written_is_not_left_half(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk():
        assert init(tmp_path / "bridge.env") == 1
    assert "cannot write" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert init(tmp_path / "no/bridge.env") == 1
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--web-url", "bridge.example.com"), "WEB_URL must be an address"),
        (("--web-url", "https://x\nENCRYPTION_KEY=known"), "WEB_URL must be an address"),
        (("--redis-url", "localhost"), "REDIS_URL must be an address"),
    ],
)
def test_a_wrong_address_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], sentence: str
) -> None:
    assert init(tmp_path / "bridge.env", *arguments) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


LINES = [
    ("A=b", {"A": "b"}),
    ("  A=b  \n\n# A=c\n", {"A": "b"}),
    ("A=", {"A": ""}),
    ("A=b=c#d", {"A": "b=c#d"}),
    ("A='b c'", {"A": "b c"}),
    ('A="b"', {"A": "b"}),
    ("A='b\"", {"A": "'b\""}),
    ("A=1\nA=2", {"A": "2"}),
]


@pytest.mark.parametrize(("text", "found"), LINES)
def test_a_file_is_read_as_docker_and_systemd_read_it(text: str, found: dict[str, str]) -> None:
    assert env_files.parse(text, where="") == found


@pytest.mark.parametrize("line", ["s3cret", "export A=s3cret", "A = s3cret", "=s3cret", "1A=s3cret"])
def test_a_line_that_is_no_setting_is_named_and_not_shown(line: str) -> None:
    with pytest.raises(WrongArgument, match=r"bridge.env, line 2: write NAME=VALUE") as refused:
        env_files.parse(f"A=b\n{line}\n", where="bridge.env")
    assert "s3cret" not in str(refused.value)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_]{1,9}", fullmatch=True), st.from_regex(r"[!#-&(-~]*", fullmatch=True)
    )
)
def test_a_written_value_reads_back(chosen: dict[str, str]) -> None:
    text = "\n".join(f"{name}={value}" for name, value in chosen.items())
    assert env_files.parse(text, where="") == chosen


def test_the_environment_counts_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bridge.env"
    file.write_text("WEB_URL=https://file.example.com\nPORT=1\n")
    environ = {"PORT": "2"}
    assert main(["--env-file", str(file), "doctor", "--offline"], environ) == 1
    assert environ == {"PORT": "2", "WEB_URL": "https://file.example.com"}


def test_the_doctor_names_each_setting_of_the_file_that_bridge_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bridge.env"
    new = env_files.render("https://x.example.com") + "OAUTH_APP_SECRET=\n"
    # One that is gone since 0.1, one misspelt, and one that another program reads from its environment.
    file.write_text(new + "SHARE_PORT=1\nREDIS_URLL=x\n")
    assert main(["--env-file", str(file), "doctor", "--offline"], {"HOME": "/", "ELSEWHERE": "1"}) == 1
    printed = capsys.readouterr().out
    assert re.findall(r"(\w+) is not a setting of bridge(.*?) *\n", printed) == [
        ("REDIS_URLL", ": did you mean REDIS_URL?"),
        ("SHARE_PORT", ": remove it"),
    ]


@pytest.mark.parametrize(
    ("name", "reason"), [("none", "No such file"), (".", "Is a directory"), ("odd", "no text")]
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    (tmp_path / "odd").write_bytes(b"\xff\xfe")
    assert main(["--env-file", str(tmp_path / name), "doctor"], {}) == 2
    assert re.fullmatch(rf"bridge: cannot read \S+: {reason}.*\n", capsys.readouterr().err)
