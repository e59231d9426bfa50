"""What may be shown of a payload: no secret, no whole e-mail address, and not more than a page holds.

A payload is shown to people who could not see it at GitHub, and people paste secrets into descriptions and
comments. What looks like one is masked wherever it stands: in values, in keys, in the middle of a text.
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson

MASK = "(masked)"
CUT = "(cut here)"
MAX_CHARACTERS = 150_000
"""What one page shows of a payload."""

LONGEST_SECRET = 10_000
"""Characters: a private key has a third of them."""

MAX_DEPTH = 40

_SECRET_PART = re.compile(
    r"token|secret|passw|passphrase|credential|authorization|apikey|privatekey|accesskey"
)
_SECRET_WORD = re.compile(r"(?:^|_)(?:keys?|pem|pwd|auth|cookies?|signature|jwt|otp)(?:_|$)")
_HARMLESS_KEYS = frozenset({"keys_url"})
"""GitHub's own, on every repository: the template of an address."""

_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")

# All patterns take time in proportion to the text's length, whatever a stranger writes into it: what is
# repeated is bounded, or consumed once it has matched.
_NAME = (
    r"(?:token|secret|passw(?:or)?d|passphrase|authorization|credential|signature"
    r"|api[_-]?key|access[_-]?key|private[_-]?key)[\w.-]{0,40}+"
)

# GitHub's prefixes: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
_TOKENS = re.compile(
    r"gh[pousr]_[A-Za-z0-9_]{10,}"
    r"|github_pat_[A-Za-z0-9_]{10,}"
    r"|v1\.[0-9a-f]{40}"
    r"|glpat-[\w-]{10,}"
    r"|xox[a-z]-[\w-]{8,}"
    r"|npm_[A-Za-z0-9]{20,}"
    r"|[sr]k[_-](?:live|test|proj|ant)[\w-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|AIza[\w-]{30,}"
    # JSON Web Tokens: parts of base64, the first of which begins with `{"`.
    r"|eyJ[\w-]{10,}(?:\.[\w-]*)*"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN[A-Z ]{0,40}PRIVATE KEY[A-Z ]{0,40}-----[\s\S]*?(?:-----END[A-Z ]{0,40}-----|\Z)"
)
_USER_INFO = re.compile(r"(?<=://)[^\s/?#\"'<>]+@")
_QUERY = re.compile(rf"([?&#;](?:[\w.-]{{0,40}}?{_NAME}|key|sig|code|auth|pwd)=)[^\s&#\"'<>]+", re.IGNORECASE)
_SCHEME = r"(?:bearer|basic|digest|token)"
_BEARER = re.compile(
    rf"\b({_SCHEME}\s{{1,8}})(?:(?=[A-Za-z_.~+/=-]{{0,200}}\d)[\w.~+/=-]{{8,}}|[\w.~+/=-]{{24,}})",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    rf"({_NAME}[\"'`]?\s{{0,8}}+(?:=>|:=|[:=])\s{{0,8}}+)(?!\(masked\))"
    rf"(\"[^\"\n]+\"?|'[^'\n]+'?|`[^`\n]+`?|(?:{_SCHEME}\s{{1,8}}+)?[^\s\"'`<>]+)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?<![\w.+%-])([\w.+%-])[\w.+%-]*@([\w-]+(?:\.[\w-]+)+)")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A payload as it may be shown: JSON (or, if it was none, text) without secrets; `cut` if not all."""

    text: str
    cut: bool


def shown(body: bytes, *, limit: int = MAX_CHARACTERS) -> Shown:
    """A payload's bytes as indented JSON without secrets, of about `limit` characters at the most."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        text, cut = _begun(body.decode(errors="replace"), limit)
        return Shown(text=text, cut=cut)
    pages = _Page(left=limit)
    masked = pages.show(document)
    return Shown(text=orjson.dumps(masked, option=orjson.OPT_INDENT_2).decode(), cut=pages.cut)


def _begun(text: str, limit: int) -> tuple[str, bool]:
    """About `limit` characters of a text without secrets, and whether there were more."""
    if len(text) <= limit:
        return mask_text(text), False
    # Not what is masked in half: a secret may be cut at the end.
    return mask_text(text[: limit + LONGEST_SECRET])[:-LONGEST_SECRET][:limit], True


def mask_text(text: str) -> str:
    """A text without what looks like a secret; e-mail addresses keep their first letter and their host."""
    text = _PRIVATE_KEY.sub(MASK, text)
    text = _USER_INFO.sub(f"{MASK}@", text)
    text = _TOKENS.sub(MASK, text)
    text = _QUERY.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _ASSIGNED.sub(rf"\1{MASK}", text)
    return _EMAIL.sub(r"\1…@\2", text)


def sounds_secret(key: str) -> bool:
    """Whether what stands under this key is masked whole, in whichever way the key is spelled."""
    words = _BETWEEN_WORDS.sub("_", key).strip("_").lower()
    if words in _HARMLESS_KEYS:
        return False
    return bool(_SECRET_WORD.search(words) or _SECRET_PART.search(words.replace("_", "")))


@dataclass
class _Page:
    """Takes a document in until `left` characters are used up; what does not fit is left out and marked."""

    left: int
    cut: bool = False

    def show(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._text(mask_text(value))
        if isinstance(value, dict | list) and depth >= MAX_DEPTH:
            self.cut = True
            return CUT
        if isinstance(value, dict):
            return self._object(value, depth + 1)
        if isinstance(value, list):
            return self._list(value, depth + 1)
        self.left -= len(str(value))
        return value

    def _object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in value.items():
            if self.left <= 0:
                self.cut = True
                found[CUT] = CUT
                break
            name = self._text(mask_text(key))
            if name in found:
                # Two keys may be masked alike: neither may hide the other.
                name = f"{name} {len(found)}"
            found[name] = self._secret(inner) if sounds_secret(key) else self.show(inner, depth)
        return found

    def _list(self, value: list[Any], depth: int) -> list[Any]:
        found: list[Any] = []
        for inner in value:
            if self.left <= 0:
                self.cut = True
                found.append(CUT)
                break
            found.append(self.show(inner, depth))
        return found

    def _secret(self, value: Any) -> Any:
        # Nothing secret is said by "no", "yes" or "none"; an empty value tells that there is none.
        if value is None or isinstance(value, bool) or value in ("", [], {}):
            return value
        self.left -= len(MASK)
        return MASK

    def _text(self, text: str) -> str:
        if len(text) > self.left:
            self.cut = True
            text = f"{text[: max(0, self.left)]}{CUT}"
        # What is not text itself: quotes, commas, the indentation.
        self.left -= len(text) + 8
        return text
