"""Make a pull request for each status and each kind of message, on the stand-in GitHub."""

from typing import Any

from scripts.sandbox.house import House

READY = "Sanitise branch names"
"""The title of the pull request that is ready to merge."""

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

CODE = """ def status(pull: Pull) -> Status:
-    return GREY
+    if pull.merged_at:
+        return PURPLE
+    if pull.state == "closed":
+        return RED
+    if pull.draft:
+        return GREY
+    reviews = latest(pull.reviews)
+    return LIME if all(reviews) else GREEN"""


def _on(path: str, line: int, body: str, **more: Any) -> dict[str, Any]:
    """Comment on a line of `CODE`, which begins with line 30: its hunk ends there, as GitHub's do."""
    hunk = "\n".join(["@@ -30,2 +30,9 @@", *CODE.splitlines()[: line - 28]])
    return {"path": path, "line": line, "body": body, "diff_hunk": hunk, **more}


TABLE = (
    "| state | tested |\n| --- | :-: |\n| merged | yes |\n| closed | **no** |\n\n> [!TIP]\n> One row a state."
)
SUGGESTED = "@ann-gh, perhaps\n```suggestion\n    return verdict(latest(pull.reviews))\n```\nand drop `all`?"

REVIEW: list[dict[str, Any]] = [
    _on("bridge/thread.py", 38, "Of no reviews, `all` is true."),
    _on("bridge/thread.py", 36, "A table reads better.", start_line=31),
    _on("bridge/thread.py", 38, SUGGESTED, start_line=37),
    _on("bridge/thread.py", 30, "Good riddance :wave:", side="LEFT") | {"line": 31},
    {"path": "docs/status.md", "subject_type": "file", "body": "Say here what *purple* means."},
    _on("tests/test_thread.py", 33, TABLE),
    _on("tests/test_thread.py", 34, "```suggestion\n```\nNobody needs it."),
    *({"path": "tests/test_words.py", "line": line, "body": f"Nit {line}"} for line in range(1, 19)),
]

Deed = tuple[str, str, dict[str, Any]]

# Title, draft or not, and the deeds that follow: person, deed, fields.
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
        "Choose the status by a table",
        False,
        [
            (
                "bob-gh",
                "review",
                {"event": "REQUEST_CHANGES", "body": "Right idea. Some things:", "comments": REVIEW},
            ),
            ("cy-gh", "review_comment", {**LINE, "body": "One remark alone."}),
            ("cy-gh", "review", {"comments": [LINE, SUGGESTION]}),
            ("cy-gh", "review", {"body": "No remarks, only this."}),
            ("ann-gh", "comment", {"body": "I shall write the table today, and the tests tomorrow."}),
            (
                "ann-gh",
                "edit_comment",
                {"body": "I shall write the table on Friday, and the tests tomorrow."},
            ),
        ],
    ),
    ("Show \u202ekcatta\u202c names \u05e9\u05dc\u05d5\u05dd as they are\u200b", False, []),
    (
        READY,
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
    """Make all pull requests on the stand-in GitHub, in a repository that offers auto-merge."""
    await house.act("cy-gh", "settings", allow_auto_merge=True)
    for index, (title, draft, deeds) in enumerate(PULLS):
        pull = await house.act(
            "ann-gh", "open", title=title, body=BODY, head=f"topic-{index}", base="main", draft=draft
        )
        for who, do, fields in deeds:
            await house.act(who, do, number=pull["number"], **fields)
