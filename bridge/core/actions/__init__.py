"""The table of actions: which buttons a thread shows, and what a click does on GitHub.

An action is one decorated generator. It yields each `Call` to make as the person who clicked, and receives
GitHub's JSON answer or has the refusal thrown in. It raises `GitHubRefused` if GitHub did not comply, and
returns one sentence. So each rule is tested without a network.
"""

# The order of the imports is the order of the buttons.
from bridge.core.actions import states, reviewing, merging, before_merging, checking  # noqa: I001
from bridge.core.actions.table import (
    ACTIONS,
    Action,
    Call,
    Click,
    Merging,
    Perform,
    Steps,
    find,
    is_in,
    steps,
)

__all__ = [
    "ACTIONS",
    "Action",
    "Call",
    "Click",
    "Merging",
    "Perform",
    "Steps",
    "before_merging",
    "checking",
    "find",
    "is_in",
    "merging",
    "reviewing",
    "states",
    "steps",
]
