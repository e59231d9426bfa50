"""Events that are not GitHub's: deliveries of what bridge read by itself."""

MERGEABLE = "bridge.mergeable"
"""A pull request, read after a push to its base branch or where a delivery contradicted itself."""

RULES = "bridge.rules"
"""The rules of a branch."""

QUEUE = "bridge.queue"
"""A pull request's place in the merge queue."""

MERGE_FAILED = "bridge.merge_failed"
"""A merge that outlasted its click, and failed."""

TEAMS = "bridge.teams"
"""The members of the teams that are asked for a review."""

UPDATE = "bridge.update"
"""It is time to bring a thread up to date."""

FORCED = "bridge.forced"
"""A push that was forced, told by GitHub's comparison."""

DIFF = "bridge.diff"
"""A small diff."""

JOB_LOG = "bridge.job_log"
"""The reason why a job failed."""

ALL = frozenset({MERGEABLE, RULES, QUEUE, MERGE_FAILED, TEAMS, UPDATE, FORCED, DIFF, JOB_LOG})
