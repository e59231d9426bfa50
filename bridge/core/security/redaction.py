"""Mask what looks like a secret in a text that people read: reasons of failures, messages not delivered."""

import re

MASK = "(masked)"

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


def mask_text(text: str) -> str:
    """Mask secrets in a text; e-mail addresses keep their first letter and their host."""
    text = _PRIVATE_KEY.sub(MASK, text)
    text = _USER_INFO.sub(f"{MASK}@", text)
    text = _TOKENS.sub(MASK, text)
    text = _QUERY.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _ASSIGNED.sub(rf"\1{MASK}", text)
    return _EMAIL.sub(r"\1…@\2", text)
