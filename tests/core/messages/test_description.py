"""A description's HTML is kept with its pull request, and shown only while it is what would be made anew."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import msgspec
import pytest

from bridge.core.messages import description, markdown
from bridge.core.model import Connection
from bridge.core.pulls import snapshot
from bridge.core.pulls.model import Rendered
from bridge.core.pulls.snapshot import Snapshot
from tests.kits.core.evasions import EVASIONS
from tests.kits.core.markup import MARKUP
from tests.kits.core.pipeline import Bridge, connection
from tests.kits.core.samples import on_comment, on_pull, pull, repository

AFTER = "2026-03-10T12:00:01Z"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The descriptions that are rendered, each time anew."""
    rendered: list[str] = []
    render = markdown.to_html

    def noting(source: str, **urls: str) -> str:
        rendered.append(source)
        return render(source, **urls)

    monkeypatch.setattr(description, "to_html", noting)
    return rendered


@pytest.fixture
def _another_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(description, "renderer", lambda: "another")


@pytest.fixture
def _forgotten() -> Iterator[None]:
    description.renderer.cache_clear()
    yield
    description.renderer.cache_clear()


def told(body: str = "Why", *connections: Connection) -> Bridge:
    """A pull request that was opened; its thread was told of it."""
    bridge = Bridge(*connections)
    bridge.tell("pull_request", on_pull("opened", pull(body=body)))
    return bridge


def edited(bridge: Bridge, body: str) -> None:
    changes = {"body": {"from": "x"}}
    bridge.tell("pull_request", on_pull("edited", pull(body=body, updated_at=AFTER), changes=changes))


def kept(bridge: Bridge) -> str:
    rendered = bridge.snapshot().rendered
    assert rendered is not None
    return rendered.html


def smuggled(bridge: Bridge) -> None:
    """Keep HTML that an older sanitiser let through, as if it had been right."""
    known = bridge.snapshot()
    assert known.rendered is not None
    older = known.rendered._replace(html="<script>alert(1)</script>")
    bridge.snapshots[known.value("number")] = snapshot.dump(
        Snapshot(values=known.values, sets=known.sets, rendered=older)
    )


def test_a_description_is_rendered_once_for_all_messages_of_its_thread(made: list[str]) -> None:
    bridge = told()
    for number, body in enumerate(("First", "Second", "Third")):
        assert bridge.says("issue_comment", on_comment("created", body=body, id=number)) is not None
        assert bridge.thread()["body"] == "<p>Why</p>"
    assert made == ["Why"]


def test_an_edited_description_is_shown_as_it_is_now(made: list[str]) -> None:
    bridge = told()
    edited(bridge, "**Because**")
    assert bridge.thread()["body"] == kept(bridge) == "<p><strong>Because</strong></p>"
    assert made == ["Why", "**Because**"]


def test_an_edit_that_nobody_is_told_of_is_shown_all_the_same(made: list[str]) -> None:
    bridge = told("Why", connection(groups=("status", "comments")))
    edited(bridge, "**Because**")
    assert made == ["Why"]
    assert bridge.thread()["body"] == "<p><strong>Because</strong></p>"


def test_a_description_that_nobody_is_told_of_is_not_rendered(made: list[str]) -> None:
    bridge = told("Why", connection(bots="none", drafts="quiet"))
    assert made == ["Why"]
    bridge = Bridge(connection(drafts="quiet"))
    bridge.tell("pull_request", on_pull("opened", pull(body="*Draft*", draft=True)))
    assert made == ["Why"]
    assert bridge.snapshot().rendered is None


def test_links_of_a_renamed_repository_lead_to_its_new_name() -> None:
    bridge = told("See #41 and [notes](notes.md)")
    moved = "https://github.com/acme/part"
    payload = on_pull("edited", pull(body="See #41 and [notes](notes.md)", updated_at=AFTER))
    payload["changes"] = {"title": {"from": "x"}}
    payload["repository"] = repository("acme/part")
    payload["pull_request"] |= {"html_url": f"{moved}/pull/2"}
    bridge.tell("pull_request", payload)
    for address in (f"{moved}/issues/41", f"{moved}/pull/notes.md"):
        assert f'"{address}"' in bridge.thread()["body"]
    assert "acme/component" not in bridge.thread()["body"]


def test_the_same_renderer_shows_what_is_kept() -> None:
    """So that the next two prove something."""
    bridge = told()
    smuggled(bridge)
    assert "<script>" in bridge.thread()["body"]


@pytest.mark.usefixtures("_another_renderer")
def test_html_of_another_renderer_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(description, "renderer", lambda: "older")
        bridge = told()
        smuggled(bridge)
    assert bridge.thread()["body"] == "<p>Why</p>"


@pytest.mark.usefixtures("_another_renderer")
def test_the_next_message_keeps_what_the_renderer_of_today_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(description, "renderer", lambda: "older")
        bridge = told()
        smuggled(bridge)
    bridge.tell("issue_comment", on_comment("created", body="Hello"))
    assert kept(bridge) == "<p>Why</p>"


@pytest.mark.usefixtures("_forgotten")
@pytest.mark.parametrize("library", description.LIBRARIES)
def test_another_version_of_a_library_is_another_renderer(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, version = description.renderer(), metadata.version
    description.renderer.cache_clear()
    monkeypatch.setattr(metadata, "version", lambda name: "99" if name == library else version(name))
    assert description.renderer() != before


SAMPLES = (*EVASIONS, *MARKUP)
RENDERED = {2: "41b6e62d4a580e4c2bd57df8b5293645"}
"""The digest of the rendered samples, by the renderer's version."""


def test_a_renderer_with_other_output_has_another_version() -> None:
    pages = [
        markdown.to_html(one, base_url="https://a/", rest_url="https://a/1", repository_url="https://a/b/c")
        for one in SAMPLES
    ]
    digest = hashlib.blake2b(json.dumps([SAMPLES, pages]).encode(), digest_size=16).hexdigest()
    assert {description.VERSION: digest} == RENDERED, "raise description.VERSION, and note the digest for it"


_RENDERS = """
import json, sys
# markdown-it-py imports it where it is installed, and uses it only if asked to.
sys.modules["linkify_it"] = None
from bridge.core.messages import markdown
before = set(sys.modules)
markdown.to_html(":tada: - [x] #1 https://example.org/ä **a** " * 200, base_url="https://a/", rest_url="https://a/",
    repository_url="https://a/b/c")
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_every_library_that_has_part_in_rendering_is_named() -> None:
    run = subprocess.run([sys.executable, "-c", _RENDERS], capture_output=True, check=True, text=True)
    loaded = json.loads(run.stdout)
    packages = metadata.packages_distributions()
    others = {library for name in loaded for library in packages.get(name.partition(".")[0], ())}
    assert others == {*description.LIBRARIES}


# Keeping


def test_the_html_takes_no_part_in_merging() -> None:
    part, other = Snapshot(rendered=Rendered("a", "<p>")), Snapshot(rendered=Rendered("b", "<b>"))
    assert part.merge(other).rendered == part.rendered
    assert Snapshot().merge(other).rendered is None


def test_a_snapshot_takes_half_the_room_of_its_json() -> None:
    known = told("word " * 200).snapshot()
    values = msgspec.json.encode(known.values)
    assert len(snapshot.dump(known)) < len(values) / 2


def test_a_broken_snapshot_is_told() -> None:
    with pytest.raises(ValueError, match="damaged"):
        snapshot.load(snapshot.dump(told().snapshot())[:-5])
