"""Plain English: words that no native speaker would write stay out of bridge."""

import ast
import re
from collections.abc import Iterator

from tests.texts import modules, templates, texts

ODD = re.compile(
    r"\b(whoever|anew|in vain|moreover|(is|are|was|were) told of|hears? of|makes? up|looks? after|trouble)\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(r"(What|Who|Whose|Whether|How|Where|Which)\b")
NOT_YET = "bridge/web/"
"""A room whose docstrings are not read through yet."""


def _docstrings() -> Iterator[tuple[str, str]]:
    """Each docstring with its place."""
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{getattr(node, 'lineno', 1)}", ast.get_docstring(node) or ""


def test_no_docstring_has_an_odd_word_or_begins_with_a_clause() -> None:
    read = [(place, text) for place, text in _docstrings() if not place.startswith(NOT_YET)]
    assert [place for place, text in read if ODD.search(text)] == []
    assert [place for place, text in read if CLAUSE.match(text)] == []


def test_no_text_that_a_person_meets_has_an_odd_word() -> None:
    listed = list(texts())
    assert [f"{text.place} {text.text}" for text in listed if ODD.search(text.text)] == []
    assert {"refusal or error", "log event", "thread", "page", "help"} <= {text.kind for text in listed}
    assert {path for path, _ in templates()} <= {text.place for text in listed}
