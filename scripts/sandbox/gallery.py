"""The gallery: one pull request for each status and each kind of message, made on the stand-in GitHub."""

from typing import Any

from scripts.sandbox.house import House

BODY = """Threads showed a **stale** status after a merge. Fixes #12, reported by @bob-gh.

| state | before | now |
| --- | :-: | :-: |
| merged | grey | purple |
| closed | grey | red |

- [x] a test that fails without it
- [ ] a note in the changelog :memo:

<details><summary>How to try it</summary>

```sh
scripts/demo
```

</details>
"""

LINE = {"path": "bridge/thread.py", "line": 42, "body": "Should this not be `purple`?"}
SUGGESTION = {
    "path": "bridge/thread.py",
    "line": 57,
    "body": "```suggestion\n    return purple\n```\nReads better.",
}

Deed = tuple[str, str, dict[str, Any]]

# Title, whether it begins as a draft, and what is done then: who, what, with what.
PULLS: list[tuple[str, bool, list[Deed]]] = [
    ("Sketch a dark theme", True, [("ann-gh", "push", {})]),
    ("Speed up the inbox", False, [("ann-gh", "assign", {"assignee": "ann-gh"})]),
    (
        "Fix bug in thread API",
        False,
        [
            ("ann-gh", "request_review", {"reviewer": "cy-gh"}),
            ("ann-gh", "label", {"label": "bug"}),
            (
                "cy-gh",
                "review",
                {"event": "REQUEST_CHANGES", "body": "Two things.", "comments": [LINE, SUGGESTION]},
            ),
            ("ann-gh", "comment", {"body": "Good points, @cy-gh. See 0123abcd and acme/gadgets#1 :+1:"}),
        ],
    ),
    (
        "Sanitise branch names",
        False,
        [
            ("ann-gh", "check", {"name": "lint", "conclusion": "success"}),
            ("ann-gh", "check", {"name": "tests", "conclusion": "success"}),
            ("cy-gh", "approve", {"body": "Lovely :tada:"}),
        ],
    ),
    (
        "Retry when Redis is away",
        False,
        [
            ("ann-gh", "check", {"name": "lint", "conclusion": "success"}),
            ("ann-gh", "check", {"name": "tests", "conclusion": "failure"}),
        ],
    ),
    ("Pin dependencies", False, [("cy-gh", "approve", {}), ("cy-gh", "enqueue", {})]),
    ("Greet newcomers", False, [("cy-gh", "approve", {}), ("cy-gh", "merge", {})]),
    ("Rewrite everything", False, [("bob-gh", "comment", {"body": "Please no."}), ("cy-gh", "close", {})]),
]


async def make(house: House) -> None:
    """Make them all; bridge does the rest."""
    for index, (title, draft, deeds) in enumerate(PULLS):
        pull = await house.act(
            "ann-gh", "open", title=title, body=BODY, head=f"topic-{index}", base="main", draft=draft
        )
        for who, do, fields in deeds:
            await house.act(who, do, number=pull["number"], **fields)
