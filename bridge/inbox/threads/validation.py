"""Validate a message by Flowdock's API documents ("Messages", "Threads", "Thread actions").

Pure: takes the message as sent, gives `{"thread.status.color": ["is not included in the list"]}`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from bridge.inbox.threads import extension

EVENTS = ("activity", "discussion")
COLORS = ("red", "green", "yellow", "cyan", "orange", "grey", "black", "lime", "purple", "blue")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

BLANK = "can't be blank"
NOT_TEXT = "must be a string"
NOT_LISTED = "is not included in the list"
NOT_OBJECT = "must be an object"
NOT_LIST = "must be a list"
NOT_URL = "must be an http or https URL"
ONLY_LINKS = 'may contain no HTML but links: <a href="https://…">…</a>'

LONGEST = 64 * 1024
"""Characters of a text, as of bridge's longest message: the time to make one safe grows by the square."""
TOO_LONG = f"is longer than {LONGEST} characters"

_TAG = re.compile(r"<(?=[a-zA-Z/!?])")
_LINK_OPENS = re.compile(r"""<a((?:\s+[a-z-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*>""", re.IGNORECASE)
_LINK_CLOSES = re.compile(r"</a\s*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_LINK_ATTRIBUTES = {"href", "rel", "target", "title"}
# The documents' own examples link people by `mailto:`.
_LINK_SCHEMES = {"http", "https", "mailto"}

PLAIN_URL = re.compile(r"""https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][!#-;=?-~]*)?""")
PLAIN_LINKS = re.compile(r"""[^<]*(?:<a href="https?://[^"<>&\s\[\]]+">[^<]*</a>[^<]*)*""")
"""Nearly all addresses and texts: one look shows that they are fine."""

Errors = dict[str, list[str]]
Rule = Callable[[Any], str]


def check_message(content: Mapping[str, Any], *, thread_known: bool) -> Errors:
    """Return the errors of a message by field. `thread_known`: its thread exists already."""
    found = _Findings()
    found.choice(content, "event", EVENTS)
    found.text(content, "title", required=True, rule=inline_problem)
    found.text(content, "body")
    found.text(content, "external_thread_id", required=True)
    found.text(content, "uuid")
    author = found.child(content, "author", required=True)
    if author is not None:
        found.within("author").text(author, "name", required=True)
        found.within("author").text(author, "avatar", rule=url_problem)
        found.within("author").text(author, "email")
    for index, tag in enumerate(found.items(content, "tags")):
        found.within("tags").text({str(index): tag}, str(index), required=True)
    thread = found.child(content, "thread", required=not thread_known)
    if thread is not None:
        _check_thread(thread, found.within("thread"))
    return found.errors


def _check_thread(thread: Mapping[str, Any], found: "_Findings") -> None:
    found.text(thread, "title", required=True, rule=inline_problem)
    found.text(thread, "body")
    found.text(thread, "external_url", rule=url_problem)
    status = found.child(thread, "status")
    if status is not None:
        found.within("status").choice(status, "color", COLORS)
        found.within("status").text(status, "value", required=True)
    if thread.get(extension.MEMBER) is not None and (problem := extension.problem(thread[extension.MEMBER])):
        found.add(extension.MEMBER, problem)
    for field, inside in found.objects(thread, "fields"):
        inside.text(field, "label", required=True, rule=inline_problem)
        inside.text(field, "value", required=True, may_be_empty=True, rule=inline_problem)
    for action, inside in found.objects(thread, "actions"):
        _check_action(action, inside)


def _check_action(action: Mapping[str, Any], found: "_Findings") -> None:
    found.choice(action, "@type", ("ViewAction", "UpdateAction"))
    found.text(action, "name", required=True)
    found.text(action, "description")
    if action.get("@type") == "ViewAction":
        found.text(action, "url", required=True, rule=url_problem)
    if action.get("@type") == "UpdateAction":
        target = found.child(action, "target", required=True)
        if target is not None:
            inside = found.within("target")
            inside.choice(target, "@type", ("EntryPoint",))
            inside.text(target, "urlTemplate", required=True, rule=url_problem)
            inside.choice(target, "httpMethod", METHODS)


def url_problem(text: str) -> str:
    """Return the problem with an address that users or the server will open; empty if there is none."""
    if PLAIN_URL.fullmatch(text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return NOT_URL
    is_web = parts.scheme in {"http", "https"} and parts.hostname
    return "" if is_web and text.isprintable() and not re.search(r"[\s<>\"]", text) else NOT_URL


def inline_problem(text: str) -> str:
    """Return the problem with a text that may hold links but no other HTML; empty if there is none."""
    if PLAIN_LINKS.fullmatch(text):
        return ""
    position, inside = 0, False
    while tag := _TAG.search(text, position):
        pattern = _LINK_CLOSES if inside else _LINK_OPENS
        link = pattern.match(text, tag.start())
        if link is None or not (inside or _is_safe_link(link[1])):
            return ONLY_LINKS
        position, inside = link.end(), not inside
    return ONLY_LINKS if inside else ""


def _is_safe_link(attributes: str) -> bool:
    values = {name.lower(): first or second for name, first, second in _ATTRIBUTE.findall(attributes)}
    try:
        scheme = urlsplit(unescape(values.get("href", "")).strip()).scheme
    except ValueError:
        return False
    return values.keys() <= _LINK_ATTRIBUTES and scheme in _LINK_SCHEMES


class _Findings:
    """Collects errors under the dotted names of the fields; null counts as absent."""

    __slots__ = ("_place", "errors")

    def __init__(self, errors: Errors | None = None, place: tuple[str | int, ...] = ()) -> None:
        self.errors: Errors = {} if errors is None else errors
        self._place = place

    def within(self, *names: str | int) -> "_Findings":
        return _Findings(self.errors, (*self._place, *names))

    def add(self, name: str, problem: str) -> None:
        self.errors.setdefault(".".join(map(str, (*self._place, name))), []).append(problem)

    def text(
        self,
        holder: Mapping[str, Any],
        name: str,
        *,
        required: bool = False,
        may_be_empty: bool = False,
        rule: Rule | None = None,
    ) -> None:
        value = holder.get(name)
        if value is not None and not isinstance(value, str):
            self.add(name, NOT_TEXT)
        elif value is None or not (may_be_empty or value.strip()):
            if required:
                self.add(name, BLANK)
        elif len(value) > LONGEST:
            self.add(name, TOO_LONG)
        elif rule is not None and (problem := rule(value)):
            self.add(name, problem)

    def choice(self, holder: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> None:
        value = holder.get(name)
        if value is None or value == "":
            self.add(name, BLANK)
        elif value not in allowed:
            self.add(name, NOT_LISTED)

    def child(
        self, holder: Mapping[str, Any], name: str, *, required: bool = False
    ) -> Mapping[str, Any] | None:
        value = holder.get(name)
        if value is None:
            if required:
                self.add(name, BLANK)
            return None
        if not isinstance(value, dict):
            self.add(name, NOT_OBJECT)
            return None
        return value

    def objects(
        self, holder: Mapping[str, Any], name: str
    ) -> Iterator[tuple[Mapping[str, Any], "_Findings"]]:
        for index, item in enumerate(self.items(holder, name)):
            if isinstance(item, dict):
                yield item, self.within(name, index)
            else:
                self.add(f"{name}.{index}", BLANK if item is None else NOT_OBJECT)

    def items(self, holder: Mapping[str, Any], name: str) -> list[Any]:
        value = holder.get(name)
        if value is not None and not isinstance(value, list):
            self.add(name, NOT_LIST)
        return value if isinstance(value, list) else []
