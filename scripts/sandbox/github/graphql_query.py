"""Read a GraphQL query, and pick the selected fields from a value.

A value is a dict with a `__typename`; its fields are scalars, such dicts, lists of them, or functions of
the arguments. What a type does not have is an error, so that nobody gets used to a field of the stand-in.
Read is one operation, with variables, aliases and inline fragments, but no named fragments or directives.
https://spec.graphql.org/October2021/
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(r'(?:[\s,]|#[^\n]*)*("""[\s\S]*?"""|"(?:\\.|[^"\\])*"|\.\.\.|-?[\w.]+|[{}()\[\]:!=$@])')
WORDS = {"true": True, "false": False, "null": None}


@dataclass
class Problem(Exception):
    """An error of a query; `kind` is GitHub's type of it, `path` where null stands because of it."""

    message: str
    kind: str = ""
    path: list[str | int] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """As one of the `errors` of the answer."""
        kind = {"type": self.kind} if self.kind else {}
        return {**kind, **({"path": self.path} if self.path else {}), "message": self.message}


@dataclass(frozen=True)
class Field:
    """One selected field, `key` in the answer; `on` is the type it is meant for, if only for one."""

    name: str
    key: str
    arguments: dict[str, Any]
    selected: list["Field"]
    on: str = ""


@dataclass(frozen=True)
class Query:
    """An operation: `query` or `mutation`, and its selection."""

    kind: str
    selected: list[Field]


def parse(text: str, variables: dict[str, Any]) -> Query:
    """Read a query; raises `Problem`."""
    reader = _Reader(TOKEN.findall(text), dict(variables))
    kind = "query" if reader.next == "{" else reader.take()
    if kind not in {"query", "mutation"}:
        raise Problem(f'Parse error on "{kind}": the stand-in reads one query or mutation')
    while reader.next not in {"{", "("}:
        reader.take()
    if reader.next == "(":
        reader.declarations()
    query = Query(kind, reader.selection())
    if reader.next:
        raise Problem(f'Parse error on "{reader.next}"')
    return query


def pick(value: Any, selected: list[Field], problems: list[Problem]) -> Any:
    """Pick `selected` from `value`; a field that fails becomes null and adds to `problems`."""
    if value is None:
        return None
    if isinstance(value, list):
        return [_item(item, index, selected, problems) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        raise Problem("Selections can't be made on scalars")
    kind, answer = value["__typename"], {}
    for one in selected:
        if one.on in {"", kind}:
            answer[one.key] = _field(value, kind, one, problems)
    return answer


def _item(item: Any, index: int, selected: list[Field], problems: list[Problem]) -> Any:
    before = len(problems)
    found = pick(item, selected, problems)
    for told in problems[before:]:
        told.path.insert(0, index)
    return found


def _field(value: dict[str, Any], kind: str, one: Field, problems: list[Problem]) -> Any:
    if one.name not in value:
        raise Problem(f"Field '{one.name}' doesn't exist on type '{kind}'")
    found, before = value[one.name], len(problems)
    try:
        if callable(found):
            found = found(one.arguments)
        elif one.arguments:
            raise Problem(f"Field '{one.name}' doesn't accept argument '{next(iter(one.arguments))}'")
        nested = isinstance(found, dict) or (isinstance(found, list) and found and isinstance(found[0], dict))
        if nested and not one.selected:
            raise Problem(f"Field must have selections (field '{one.name}' has no selections)")
        found = pick(found, one.selected, problems) if one.selected else found
    except Problem as problem:
        if not problem.kind:
            raise
        problems.append(problem)
        found = None
    for told in problems[before:]:
        told.path.insert(0, one.key)
    return found


@dataclass
class _Reader:
    """Reads tokens one after the other."""

    tokens: list[str]
    variables: dict[str, Any]
    at: int = 0

    @property
    def next(self) -> str:
        """The next token; empty at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        """Return the next token, which must be there."""
        token = self.next
        if not token or (expected and token != expected):
            raise Problem(f'Parse error on "{token or "end of file"}"')
        self.at += 1
        return token

    def accept(self, token: str) -> bool:
        """Tell whether this is the next token, which is then taken."""
        found = self.next == token
        self.at += found
        return found

    def declarations(self) -> None:
        """`($name: Type! = default, ...)`; a variable that is needed must be given."""
        self.take("(")
        while not self.accept(")"):
            self.take("$")
            name = self.take()
            self.take(":")
            needed = self.declared_type()
            if self.accept("="):
                default = self.value()
                self.variables.setdefault(name, default)
            if needed and self.variables.get(name) is None:
                raise Problem(f"Variable ${name} was provided invalid value")
            self.variables.setdefault(name, None)

    def declared_type(self) -> bool:
        """Return a type; whether it excludes null."""
        while self.accept("["):
            pass
        self.take()
        while self.next in {"!", "]"}:
            self.take()
        return self.tokens[self.at - 1] == "!"

    def selection(self, on: str = "") -> list[Field]:
        """Read `{ ... }`, inline fragments included."""
        found: list[Field] = []
        self.take("{")
        while not self.accept("}"):
            if self.accept("..."):
                if not self.accept("on"):
                    raise Problem(f'Parse error on "{self.next}": the stand-in reads only inline fragments')
                found += self.selection(self.take())
            else:
                found.append(self.field(on))
        return found

    def field(self, on: str) -> Field:
        """`alias: name(arguments) { ... }`."""
        name = key = self.take()
        if self.accept(":"):
            name = self.take()
        arguments = self.arguments() if self.next == "(" else {}
        return Field(name, key, arguments, self.selection() if self.next == "{" else [], on)

    def arguments(self) -> dict[str, Any]:
        """`(name: value, ...)`."""
        self.take("(")
        return self.pairs(")")

    def pairs(self, end: str) -> dict[str, Any]:
        """`name: value` as often as there are any."""
        found = {}
        while not self.accept(end):
            name = self.take()
            self.take(":")
            found[name] = self.value()
        return found

    def value(self) -> Any:
        """Return a variable, a literal, a list or an object; an enum's word is a string here."""
        token = self.take()
        if token == "$":
            name = self.take()
            if name not in self.variables:
                raise Problem(f"Variable ${name} is used but not declared")
            return self.variables[name]
        if token == "{":
            return self.pairs("}")
        if token == "[":
            items = []
            while not self.accept("]"):
                items.append(self.value())
            return items
        if token.startswith('"'):
            return token[3:-3] if token.startswith('"""') else json.loads(token)
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        return WORDS.get(token, token)
