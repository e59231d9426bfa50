"""GitHub's autolinks: mentions, issue numbers, commits, emoji short codes.

A markdown-it-py rule for text outside code and links.
https://docs.github.com/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from bridge.core.messages.markdown import MENTION
from bridge.core.names import LOGIN

_REPO = rf"{LOGIN}/[A-Za-z0-9._-]{{1,100}}"
_REFERENCE = re.compile(
    rf"(?<![\w/`@.#-])(?:"
    rf"(?P<issue>(?:(?P<repo>{_REPO})?\#|GH-)(?P<number>[1-9][0-9]{{0,8}}))"
    rf"|(?P<commit>(?:(?P<commit_repo>{LOGIN}(?:/[A-Za-z0-9._-]{{1,100}})?)@)?(?P<sha>[0-9a-f]{{7,40}}))"
    rf")(?![\w/-])|{MENTION.pattern}"
)
_PAGE = re.compile(
    rf"(?P<repo>{_REPO})/"
    r"(?:(?:issues|pull|discussions)/(?P<number>[1-9][0-9]{0,8})(?P<comment>\#[a-z-]+_?[0-9]+)?"
    r"|commit/(?P<sha>[0-9a-f]{40}))"
)
_HAS_BOTH = re.compile(r"(?=.*[0-9])(?=.*[a-f])")


_SHORT_CODE = re.compile(r":[^\s:]+:")


def _with_emoji(text: str) -> str:
    """Replace short codes by their emoji."""
    if not _SHORT_CODE.search(text):
        return text
    # 3 MB of names, which most texts do without.
    import emoji

    return emoji.emojize(text, language="alias")


def plugin(markdown: MarkdownIt) -> None:
    """Add the rule; `env["repository_url"]` says where `#42` and commits are."""
    markdown.core.ruler.push("github_references", _rule)


def _rule(state: StateCore) -> None:
    repository_url = str(state.env.get("repository_url") or "")
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = list(_linked(token.children, repository_url))


def _linked(children: list[Token], repository_url: str) -> Iterator[Token]:
    depth = 0
    for before, child in zip([None, *children], children, strict=False):
        if child.type in ("link_open", "link_close"):
            depth += child.nesting
        elif child.type == "html_inline":
            depth += _raw_link(child.content)
        if child.type != "text":
            yield child
            continue
        child.content = _with_emoji(child.content)
        if before is not None and before.type == "link_open" and before.info == "auto":
            child.content = _short(str(before.attrs["href"]), repository_url) or child.content
        if depth > 0 or not repository_url:
            yield child
        else:
            yield from _split(child.content, repository_url)


def _raw_link(content: str) -> int:
    lowered = content.lower()
    if lowered.startswith("<a ") or lowered == "<a>":
        return 1
    return -1 if lowered.startswith("</a") else 0


def _split(text: str, repository_url: str) -> Iterator[Token]:
    begin = 0
    for found in _REFERENCE.finditer(text):
        address = _address(found, repository_url)
        if not address:
            continue
        yield _text(text[begin : found.start()])
        yield Token("link_open", "a", 1, attrs={"href": address})
        yield _text(_shown(found))
        yield Token("link_close", "a", -1)
        begin = found.end()
    yield _text(text[begin:])


def _address(found: "re.Match[str]", repository_url: str) -> str:
    host = _host(repository_url)
    if found["issue"]:
        # GitHub leads on from issues to pull requests, and not the other way.
        return f"{_repository(found['repo'], repository_url)}/issues/{found['number']}"
    if found["sha"]:
        # A word or a number of that length is more likely than a commit.
        if not _HAS_BOTH.match(found["sha"]):
            return ""
        return f"{_repository(found['commit_repo'], repository_url)}/commit/{found['sha']}"
    return f"{host}/{found[0][1:]}"


def _repository(name: str | None, repository_url: str) -> str:
    """Return the page of the repository in a reference: by its full name, or as a fork by its owner."""
    if not name:
        return repository_url
    fork = "" if "/" in name else repository_url[repository_url.rindex("/") :]
    return f"{_host(repository_url)}/{name}{fork}"


def _host(repository_url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(repository_url))


def _shown(found: "re.Match[str]") -> str:
    if not found["sha"]:
        return found[0]
    short = found["sha"][:7]
    return f"{found['commit_repo']}@{short}" if found["commit_repo"] else short


def _short(url: str, repository_url: str) -> str:
    """Shorten the bare address of an issue, a pull request or a commit as GitHub does; empty for others."""
    host = _host(repository_url) + "/"
    found = _PAGE.fullmatch(url.removeprefix(host)) if repository_url and url.startswith(host) else None
    if found is None:
        return ""
    where = "" if f"{host}{found['repo']}" == repository_url else found["repo"]
    if found["sha"]:
        return f"{where}@{found['sha'][:7]}" if where else found["sha"][:7]
    return f"{where}#{found['number']}" + (" (comment)" if found["comment"] else "")


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
