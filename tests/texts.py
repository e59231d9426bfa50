"""List every text a person can meet, by kind, so that all can be read in one go: `python -m tests.texts`."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click

from bridge.cli.main import bridge as commands

ROOT = Path(__file__).parents[1]
_LEVELS = {"debug", "info", "warning", "error", "exception"}
_MARKUP = re.compile(r"\{#.*?#\}|\{%.*?%\}|<style.*?</style>|<[^>]*>", re.DOTALL)
_SENTENCE = re.compile(r"[A-Za-z].* .*[A-Za-z]|[A-Z][a-z]+", re.DOTALL)


class Text(NamedTuple):
    """A text and the place it stands at."""

    kind: str
    place: str
    text: str


@cache
def modules(folder: str = "bridge") -> dict[str, ast.Module]:
    """Each module of a folder, by its path."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def templates() -> Iterator[tuple[str, str]]:
    """Each template of bridge's pages, by its path."""
    for path in sorted((ROOT / "bridge").rglob("*.html")):
        yield str(path.relative_to(ROOT)), path.read_text()


def _literal(node: ast.expr) -> str | None:
    """The text of a string or an f-string, its values in braces."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.FormattedValue) else p for p in node.values)
        return "".join(
            str(p.value) if isinstance(p, ast.Constant) else f"{{{ast.unparse(p)}}}" for p in parts
        )
    return None


def _strings(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Strings below a node, without docstrings and pieces of f-strings."""
    if isinstance(node, ast.expr) and (text := _literal(node)) is not None:
        yield node.lineno, text
        return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield from _strings(child)


def _kind(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=level, value=ast.Name(id=name)) if level in _LEVELS and "log" in name:
            return "log event"
        case ast.Name(id=name) | ast.Attribute(attr=name) if name[:1].isupper():
            return "refusal or error"
    return ""


def _advice(call: ast.Call) -> Iterator[ast.expr]:
    return (one.value for one in call.keywords if one.arg == "advice")


def _of_module(path: str, tree: ast.Module) -> Iterator[Text]:
    seen: set[int] = set()
    for node in ast.walk(tree):
        kind, texts = "", list[ast.expr]()
        match node:
            case ast.Call() if kind := _kind(node):
                texts = node.args[:1] if kind == "log event" else [*node.args, *_advice(node)]
            case ast.Assign(targets=[ast.Name(id="advice" | "sentence") | ast.Attribute(attr="advice")]):
                kind, texts = "refusal or error", [node.value]
        for text in texts:
            for line, words in _strings(text):
                if kind == "log event" or _SENTENCE.search(words):
                    seen.add(line)
                    yield Text(kind, f"{path}:{line}", words)
    kind = "thread" if path.startswith("bridge/core/") else path.split("/")[1]
    for line, words in _strings(tree):
        if line not in seen and _SENTENCE.search(words):
            yield Text(kind, f"{path}:{line}", words)


def _help(command: click.Command, name: str) -> Iterator[Text]:
    yield Text("help", name, command.get_help(click.Context(command, info_name=name)))
    if isinstance(command, click.Group):
        for inner, found in command.commands.items():
            yield from _help(found, f"{name} {inner}")


@cache
def texts() -> tuple[Text, ...]:
    """All texts; strings of the code that are neither an error nor an event are listed by their room."""
    return tuple(_texts())


def _texts() -> Iterator[Text]:
    for path, tree in modules().items():
        yield from _of_module(path, tree)
    for path, template in templates():
        yield Text("page", path, re.sub(r"\s*\n\s*", "\n", _MARKUP.sub("", template)).strip())
    yield from _help(commands, "bridge")


def main() -> None:
    """Print all, kind by kind."""
    kind = ""
    for text in sorted(texts()):
        if text.kind != kind:
            kind = text.kind
            sys.stdout.write(f"\n# {kind}\n")
        sys.stdout.write(f"{text.place}  {text.text}\n")


if __name__ == "__main__":
    main()
