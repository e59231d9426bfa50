"""What GitHub makes of plain text besides Markdown: mentions, numbers, commits, emoji short codes.

A rule for markdown-it-py over the text outside of code and links.
https://docs.github.com/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"
_REPO = rf"{_NAME}/[A-Za-z0-9._-]{{1,100}}"
_REFERENCE = re.compile(
    rf"(?<![\w/`@.#-])(?:"
    rf"(?P<issue>(?P<repo>{_REPO})?\#(?P<number>[1-9][0-9]{{0,8}}))"
    rf"|(?P<commit>(?:(?P<commit_repo>{_REPO})@)?(?P<sha>[0-9a-f]{{7,40}}))"
    rf"|@(?P<login>{_NAME})"
    rf")(?![\w/-])"
)
_HAS_BOTH = re.compile(r"(?=.*[0-9])(?=.*[a-f])")


_SHORT_CODE = re.compile(r":[^\s:]+:")


def _with_emoji(text: str) -> str:
    """Text with emoji in place of their short codes."""
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
    for child in children:
        if child.type in ("link_open", "link_close"):
            depth += child.nesting
        elif child.type == "html_inline":
            depth += _raw_link(child.content)
        if child.type != "text":
            yield child
            continue
        child.content = _with_emoji(child.content)
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
    host = "{0.scheme}://{0.netloc}".format(urlsplit(repository_url))
    if found["issue"]:
        # GitHub leads on from issues to pull requests, and not the other way.
        where = f"{host}/{found['repo']}" if found["repo"] else repository_url
        return f"{where}/issues/{found['number']}"
    if found["sha"]:
        # A word or a number of that length is more likely than a commit.
        if not _HAS_BOTH.match(found["sha"]):
            return ""
        where = f"{host}/{found['commit_repo']}" if found["commit_repo"] else repository_url
        return f"{where}/commit/{found['sha']}"
    return f"{host}/{found['login']}"


def _shown(found: "re.Match[str]") -> str:
    if not found["sha"]:
        return found[0]
    short = found["sha"][:7]
    return f"{found['commit_repo']}@{short}" if found["commit_repo"] else short


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
