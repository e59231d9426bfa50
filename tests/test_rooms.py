"""The rooms are held by package: what nobody listed breaks the build, and tests/ has the same rooms."""

import ast
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What is no room of bridge's: data and helpers, tests across rooms, and tests of what lies beside bridge/.
BESIDE = {"attacks", "deployment", "examples", "faults", "kits", "sandbox", "scripts", "stories"}
LINT = Path(sys.executable).parent / "lint-imports"


ODD = {
    "bridge/unlisted.py": "",
    "bridge/core/unlisted.py": "",
    "bridge/core/pulls/networked.py": "import asyncio",
    "bridge/worker/reaching_up.py": "from bridge.web import app",
    "bridge/storage/reaching_beside.py": "from bridge.queue import entries",
    "bridge/web/asking_github.py": "import gidgethub",
    "bridge/worker/reading_commands.py": "import click",
    "bridge/web/pages/reading_the_inbox.py": "from bridge.inbox import people",
    "bridge/inbox/asking_bridge.py": "from bridge.services import Services",
    "bridge/inbox/unlisted.py": "",
    "bridge/inbox/threads/reaching_up.py": "from bridge.inbox.pages import flows",
}
"""Modules that break a rule each: in no room, or importing what their room may not."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the import rules on a copy of all that they look at, with the odd modules."""
    folder = tmp_path_factory.mktemp("odd")
    for name in ("bridge", "scripts"):
        kept = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / name, folder / name, ignore=kept)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for path, text in ODD.items():
        (folder / path).write_text(f'"""Odd."""\n\n{text}\n')
    found = subprocess.run([str(LINT), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout
    return found.stdout


@pytest.mark.parametrize("path", ODD)
def test_a_module_in_no_room_or_reaching_up_breaks_them(report: str, path: str) -> None:
    module = path.removesuffix(".py").replace("/", ".")
    assert re.search(rf"^- +{re.escape(module)}\b", report, re.MULTILINE), report


def test_the_root_has_few_doors() -> None:
    doors = {path.name for path in (ROOT / "bridge").iterdir() if not path.name.startswith("__")}
    assert len(doors) <= 14, doors


def test_tests_lie_in_the_rooms_of_bridge() -> None:
    """At the root lie those of the modules at bridge's root, and of the whole."""
    tests = ROOT / "tests"
    for path in tests.rglob("test_*.py"):
        folder = path.parent.relative_to(tests)
        if folder == Path():
            module = path.name.removeprefix("test_")
            of_all = module in {"rooms.py", "tests.py", "texts.py", "threats.py"}
            assert of_all or (ROOT / "bridge" / module).exists(), path
        elif folder.parts[0] not in BESIDE:
            assert (ROOT / "bridge" / folder / "__init__.py").exists(), path


Modules = dict[str, tuple[str, list[ast.AST]]]


@pytest.fixture(scope="module")
def modules() -> Modules:
    """Each module of bridge and of its scripts, with its text and its syntax."""
    return {
        str(path.relative_to(ROOT)): (text := path.read_text(), [*ast.walk(ast.parse(text))])
        for folder in ("bridge", "scripts")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


PUBLIC = {"_replace", "_asdict"}
"""Documented in spite of the underscore: named tuples' own."""
_PRIVATE = re.compile(r"_[a-z]")


def private_names(nodes: Iterable[ast.AST]) -> list[str]:
    """Names with one underscore before them that are taken of anything but self and cls."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Attribute):
            if not _PRIVATE.match(node.attr):
                continue
            owner, names = ast.unparse(node.value), [node.attr]
        elif isinstance(node, ast.ImportFrom):
            owner, names = "", [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        else:
            continue
        private = (name for name in names if _PRIVATE.match(name) and name not in PUBLIC)
        found += [f"{owner}.{name}" for name in private if owner not in {"self", "cls"}]
    return found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("self._a", []),
        ("self._a.b", []),
        ("row._replace(a=1)", []),
        ("a.__class__", []),
        ("request._match_info", ["request._match_info"]),
        ("self.request._a = 1", ["self.request._a"]),
        ("super()._make_server()", ["super()._make_server"]),
        ("from library._inner import a", ["._inner"]),
        ("from library import _a", ["._a"]),
    ],
)
def test_private_names_are_found(code: str, found: list[str]) -> None:
    assert private_names(ast.walk(ast.parse(code))) == found


def test_no_private_name_of_a_library_or_of_another_class_is_used(modules: Modules) -> None:
    found = {
        name: names
        for name, (_, nodes) in modules.items()
        if name.startswith("bridge/") and (names := private_names(nodes))
    }
    assert not found


def test_stored_values_are_read_without_the_fields_of_a_newer_version(modules: Modules) -> None:
    """`Class(**fields)` fails on a field more, and nobody could roll back: msgspec leaves it out."""
    checked_before = {
        "bridge/core/options.py: cls",
        "bridge/clients/github_app.py: App",
        "bridge/queue/inspect.py: DeadLetterSummary",
    }
    found = {
        f"{name}: {ast.unparse(node.func)}"
        for name, (_, nodes) in modules.items()
        if name.startswith("bridge/")
        for node in nodes
        if isinstance(node, ast.Call) and re.fullmatch(r"cls|kind|[A-Z]\w+", ast.unparse(node.func))
        for one in node.keywords
        # A function's fields are bridge's own.
        if one.arg is None and not (isinstance(one.value, ast.Call) and isinstance(one.value.func, ast.Name))
    }
    assert found == checked_before


def test_no_class_name_stands_for_two_things(modules: Modules) -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, (_, nodes) in modules.items():
        if name.startswith("bridge/"):
            for node in nodes:
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_functions_have_at_most_40_lines_and_files_300(modules: Modules) -> None:
    long = [name for name, (text, _) in modules.items() if text.count("\n") > 300]
    for name, (_, nodes) in modules.items():
        long += [
            f"{name}: {node.name}"
            for node in nodes
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= 40
        ]
    assert long == []
