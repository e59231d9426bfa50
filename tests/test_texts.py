"""Plain English: words that no native speaker would write stay out of bridge."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.cli.main import bridge as commands
from bridge.core import errors
from tests.stories import documents
from tests.texts import ROOT, modules, templates, texts

ODD = re.compile(
    r"\b(whoever|anew|in vain|moreover|(is|are|was|were) told of|hears? of|makes? up|looks? after|trouble"
    r"|any ?more|organis\w+|the seed)\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(r"(What|Who|Whose|Whom|Whoever|Whether|How|Where|Which|Why|When)\b")
NOUN = re.compile(
    r"(Returns|Raises|Yields|A|An|The|It|Its|This|These|Those|Their|Both|All|Every|Each|Another|No|None|Nothing|True"
    r"|False|As|At|For|From|If|In|Of|On|To|Under|With|Without|Before|Around|GitHub|GitHub's|Flowdock|Flowdock's)\s"
    r"|[`0-9]|https?:"
)
"""Beginnings of a function's docstring that is not in the imperative."""
NAMES_OF_KEYS = "/keys.py:"
"""Their functions return names: their docstrings describe the values in Redis under these names."""


def _is_property(node: ast.AST) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in getattr(node, "decorator_list", ()))


DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _docstrings(folder: str = "bridge") -> Iterator[tuple[str, ast.AST, str]]:
    """Yield each docstring with its place and what it documents, a constant or a field among them."""
    for path, tree in modules(folder).items():
        for node in ast.walk(tree):
            if isinstance(node, DOCUMENTED):
                yield f"{path}:{getattr(node, 'lineno', 1)}", node, ast.get_docstring(node) or ""
            if isinstance(node, ast.Module | ast.ClassDef):
                for of, below in pairwise(node.body):
                    match of, below:
                        case ast.Assign() | ast.AnnAssign(), ast.Expr(
                            value=ast.Constant(value=str() as text)
                        ):
                            yield f"{path}:{below.lineno}", of, text


def test_no_docstring_has_an_odd_word() -> None:
    assert [place for place, _, text in _docstrings() if ODD.search(text)] == []


@pytest.mark.parametrize(
    "folder",
    [
        "bridge",
        "scripts",
        *(f"tests/{one}" for one in ("clients", "core", "kits", "queue", "storage", "worker")),
    ],
)
def test_no_docstring_begins_with_a_clause(folder: str) -> None:
    begun = [(place, of, text) for place, of, text in _docstrings(folder) if CLAUSE.match(text)]
    # "Whether" begins the docstring of a property that is true or false.
    assert [place for place, of, text in begun if not (text.startswith("Whether") and _is_property(of))] == []


def test_each_function_says_in_the_imperative_what_it_does() -> None:
    functions = [
        (place, text)
        for place, of, text in _docstrings()
        if isinstance(of, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_property(of)
    ]
    assert [place for place, text in functions if NOUN.match(text) and NAMES_OF_KEYS not in place] == []


CLAUSE_AS_NAME = re.compile(
    r"^test_(what|who|whose|whom|which|whether)_|whoever|whatever|whichever|_(as|by|of|only|to)_who_"
    r"|^test_(and|but|in_no_order|never_is|nor|of)_"
)


def test_tests_are_named_by_nouns_not_by_clauses() -> None:
    """`a_removed_person_leaves_all_flows`, not `whoever_is_removed…` or `of_all_flows_a_removed_person…`."""
    paths = (ROOT / "tests").rglob("test_*.py")
    named = {name for path in paths for name in re.findall(r"def (test_\w+)", path.read_text())}
    assert [name for name in named if CLAUSE_AS_NAME.search(name)] == []


ODD_IN_TEXT = re.compile(rf"{ODD.pattern}|\b(some|any|every)body\b", re.IGNORECASE)


def test_no_text_that_a_person_meets_has_an_odd_word() -> None:
    listed = texts()
    assert [f"{text.place} {text.text}" for text in listed if ODD_IN_TEXT.search(text.text)] == []
    assert {"refusal or error", "log event", "thread", "page", "help"} <= {text.kind for text in listed}
    assert {path for path, _ in templates()} <= {text.place for text in listed}


PATH = re.compile(r"`((?:[\w.-]+/)*(?:[\w-]+\.(?:py|lua|html|md|yaml|toml|css|conf)|[\w-]+/))`")
ROOMS = ("", "bridge", "tests")


def test_every_path_in_the_docs_exists() -> None:
    """A path begins at the root, in bridge/ or in tests/; a short one is a file or folder of some room."""
    files = {str(path.relative_to(ROOT)) for room in ROOMS[1:] for path in (ROOT / room).rglob("*")}
    missing = []
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for path in PATH.findall(page.read_text()):
            name = path.rstrip("/")
            is_known = "/" not in name and any(one.endswith(f"/{name}") for one in files)
            if not is_known and not any((ROOT / room / path).exists() for room in ROOMS):
                missing.append(f"{page.name}: {path}")
    assert missing == []


PAGES = (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))


def test_no_page_of_the_docs_has_an_odd_word() -> None:
    found = [(page, line) for page in PAGES for line in page.read_text().splitlines()]
    assert [f"{page.name}: {line}" for page, line in found if ODD_IN_TEXT.search(line)] == []


LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = [
        (page.parent / path if path else page, anchor) for path, anchor in LINK.findall(page.read_text())
    ]
    assert [str(to) for to, _ in links if not to.exists()] == []
    assert [(to.name, anchor) for to, anchor in links if anchor and anchor not in _anchors(to)] == []


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (page.parent / path).resolve() for page in PAGES for path, _ in LINK.findall(page.read_text()) if path
    }
    assert set(PAGES) - linked == {ROOT / "README.md"} - linked


CODE = re.compile(r"^ *```sh\n(.*?)^ *```|`([^`\n]+)`", re.M | re.S)
COMMAND = re.compile(
    r"^ *(?:[A-Z_]+=\S+ |\S*python -m )?bridge (?:--env-file \S+ )?([a-z][\w-]+)(?: ([a-z][\w-]+))?", re.M
)


def test_the_pages_name_every_command_and_no_other() -> None:
    tree = {name: set(getattr(command, "commands", ())) for name, command in commands.commands.items()}
    code = "\n".join("".join(found) for page in PAGES for found in CODE.findall(page.read_text()))
    table = (ROOT / "docs/operating.md").read_text().partition("\n## Commands\n")[2].partition("\n## ")[0]
    rows = [re.findall(r"`([a-z][\w-]+)", row) for row in re.findall(r"^\| (`.+?`) \|", table, re.M)]
    assert {name for row in rows for name in row} - {"bridge"} == tree.keys()
    named = COMMAND.findall(code)
    assert {name for name, _ in named} <= tree.keys()
    assert [(name, inner) for name, inner in named if inner and tree[name] and inner not in tree[name]] == []


IMAGE = re.compile(r"!\[[^\]]+\]\(([^)]+\.png)\)")


def test_every_picture_of_the_docs_is_used_and_made_by_a_story() -> None:
    """Each story holds its picture to the words beside it, which name the picture's file by its digest."""
    docs = ROOT / "docs"
    used = {(page.parent / path).resolve() for page in PAGES for path in IMAGE.findall(page.read_text())}
    kept = {file.name: file.read_text().partition("\n")[0] for file in documents.WORDS.iterdir()}
    there = set(docs.rglob("*.png"))
    assert used == there
    assert kept == {
        documents.words_of(str(one.relative_to(docs))).name: documents.digest(one) for one in there
    }


NAMES_FLOWDOCK = {
    "bridge/settings.py",
    "bridge/clients/session.py",
    "bridge/process/metrics.py",
    "bridge/web/endpoints/actions.py",
    "bridge/web/templates/_installation.html",
    "bridge/web/templates/home.html",
}
"""The words of `Settings.chat`, of headers and of metrics, and two pages with a part for each."""


def test_pages_and_refusals_name_the_place_of_the_threads_by_the_settings() -> None:
    """Where bridge serves its own inbox, there is no Flowdock: operators alone read of it."""
    named = {text.place.partition(":")[0] for text in texts() if "Flowdock" in text.text}
    of_operators = ("bridge/cli/", "bridge/inbox/api/", "bridge/inbox/clicks.py")
    assert {one for one in named if one.endswith((".py", ".html")) and not one.startswith(of_operators)} == (
        NAMES_FLOWDOCK
    )


ODD_EVENT = re.compile(r"_not_|^(?![a-z]+(?:_[a-z]+)*$)")


def test_events_of_the_log_are_words_of_one_style() -> None:
    """`merge_check_failed`, not `merge_not_followed`."""
    events = [text for text in texts() if text.kind == "log event" and "{" not in text.text]
    assert len(events) > 50
    assert [text for text in events if ODD_EVENT.search(text.text)] == []


OF_BRIDGE = {name for name, value in vars(errors).items() if isinstance(value, type)} | {
    *("TokenRevoked", "Undecryptable", "MailFailed", "CodeRefused", "TokenGone"),
    "msgspec.DecodeError",
}
"""Errors whose words are never empty, and hold no secret."""


def test_a_logged_reason_is_never_empty() -> None:
    """`reason_of` is for errors that are not bridge's own."""
    handlers = [
        (f"{path}:{node.lineno}", ast.unparse(node.type), ast.unparse(node))
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.type
    ]
    given = [one for one in handlers if re.search(r"reason=str\(\w+\)", one[2])]
    assert len(given) > 10
    assert [one[:2] for one in given if not set(re.findall(r"[\w.]+", one[1])) <= OF_BRIDGE] == []
    calls = [ast.unparse(node) for tree in modules().values() for node in ast.walk(tree) if _is_log(node)]
    assert [one for one in calls if re.search(r"error=str\(", one)] == [], "`error` is a kind"


def _is_log(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log.")
