"""The permissions of GitHub Apps: the events to subscribe to, and the calls to make.

https://docs.github.com/rest/authentication/permissions-required-for-github-apps
https://docs.github.com/webhooks/webhook-events-and-payloads, "Availability" and the permissions named there
"""

import re
from collections.abc import Mapping

LEVELS = ("read", "write", "admin")
# https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app, `permissions`
REPOSITORY = frozenset(
    [
        *("actions", "administration", "artifact_metadata", "attestations", "checks", "codespaces"),
        *("contents", "dependabot_secrets", "deployments", "discussions", "environments", "issues"),
        *("merge_queues", "metadata", "packages", "pages", "pull_requests", "repository_custom_properties"),
        *("repository_hooks", "repository_projects", "secret_scanning_alerts", "secrets", "security_events"),
        *("single_file", "statuses", "vulnerability_alerts", "workflows"),
    ]
)
OTHER = frozenset(
    [
        *("emails", "email_addresses", "followers", "git_ssh_keys", "gpg_keys", "interaction_limits"),
        *("members", "organization_administration", "organization_events", "organization_hooks"),
        *("organization_plan", "organization_projects", "organization_secrets", "profile", "starring"),
        *("organization_self_hosted_runners", "organization_user_blocking", "team_discussions"),
    ]
)
# Any one of these permissions lets an App subscribe; an event that is not here cannot be subscribed to.
EVENTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("check_run", "check_suite"), ("checks",)),
    **dict.fromkeys(
        ("commit_comment", "create", "delete", "fork", "gollum", "push", "release"), ("contents",)
    ),
    **dict.fromkeys(("repository_dispatch", "workflow_dispatch"), ("contents",)),
    **dict.fromkeys(("deployment", "deployment_review", "deployment_status"), ("deployments",)),
    **dict.fromkeys(("discussion", "discussion_comment"), ("discussions",)),
    # A comment on a pull request is an issue's, too: `pull_requests` is not enough.
    **dict.fromkeys(("issue_comment", "issues"), ("issues",)),
    **dict.fromkeys(("label", "meta", "public", "repository", "star", "watch"), ("metadata",)),
    **dict.fromkeys(("member", "membership", "organization", "team", "team_add"), ("members",)),
    "branch_protection_rule": ("administration",),
    "repository_ruleset": ("administration",),
    "code_scanning_alert": ("security_events",),
    "merge_group": ("merge_queues",),
    "milestone": ("issues", "pull_requests"),
    "page_build": ("pages",),
    "pull_request": ("pull_requests",),
    "pull_request_review": ("pull_requests",),
    "pull_request_review_comment": ("pull_requests",),
    "pull_request_review_thread": ("pull_requests",),
    "status": ("statuses",),
    "workflow_job": ("actions",),
    "workflow_run": ("actions",),
}
# What is below a repository's address, and what opens it: any one of the permissions. First match counts.
RESOURCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"/hooks.*", ("repository_hooks",)),
    (r"/pulls.*", ("pull_requests",)),
    (r"/(issues|assignees).*", ("issues", "pull_requests")),
    (r"/commits/.*/pulls", ("pull_requests",)),
    (r"/commits/.*/check-(runs|suites)|/check-(runs|suites)/.*", ("checks",)),
    (r"/commits/.*/status(es)?", ("statuses",)),
    (r"/(commits|compare)/.*", ("contents",)),
    (r"/actions/.*", ("actions",)),
    (r"/deployments.*", ("deployments",)),
)
Alternatives = tuple[tuple[str, str], ...]


def needs(method: str, path: str) -> Alternatives:
    """Return the permissions of which a call needs one, as (name, level); `path` follows the repository."""
    level = "read" if method in {"GET", "HEAD"} else "write"
    if path.endswith(("/merge", "/merge-async")) and level == "write":
        # https://docs.github.com/rest/pulls/pulls#merge-a-pull-request
        return (("contents", "write"),)
    if path.endswith("/pending_deployments") and level == "write":
        # https://docs.github.com/rest/actions/workflow-runs#review-pending-deployments-for-a-workflow-run
        return (("deployments", "write"),)
    for pattern, names in RESOURCES:
        if re.fullmatch(pattern, path):
            return tuple((name, level) for name in names)
    return (("metadata", "read"),) if level == "read" else (("administration", "write"),)


def allows(granted: Mapping[str, str], wanted: Alternatives) -> bool:
    """Tell whether one of the wanted permissions is granted; a higher level includes the lower ones."""
    return any(
        name in granted and LEVELS.index(granted[name]) >= LEVELS.index(level) for name, level in wanted
    )


def accepted(wanted: Alternatives) -> str:
    """Return the value of `X-Accepted-GitHub-Permissions`: what a call needs, alternatives by semicolons.

    https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible
    """
    return "; ".join(f"{name}={level}" for name, level in wanted)
