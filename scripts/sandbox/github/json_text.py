"""JSON as GitHub writes it, byte for byte, in deliveries and REST answers.

Compact, in UTF-8. A string escapes only the characters that JSON forbids: `"`, `\\` and control characters,
these with upper-case digits (`\\u001B`). `&`, `<`, `>`, `/`, U+2028 and all that is not ASCII
are raw. So the author of a description can put a raw `&payload=` into a body that GitHub signs.

The evidence: for years Octokit verified signatures against `JSON.stringify(JSON.parse(body))`, which leaves
all these raw. Control characters alone failed, until it made their digits upper-case. With `&` as `\\u0026`,
every body that has one would have failed.
https://github.com/octokit/webhooks.js/issues/71
https://github.com/octokit/webhooks.js/pull/72 (tried against GitHub with both `\\u001B` and `♥`)
"""

import json
import re
from typing import Any

_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)")


def write_json(value: Any) -> str:
    """Return the text of a value; half a surrogate pair, which GitHub cannot keep, becomes `?`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPE.sub(_upper, text).encode(errors="replace").decode()


def _upper(found: re.Match[str]) -> str:
    escape = found[0]
    return f"\\u{escape[2:].upper()}" if escape.startswith("\\u") else escape
