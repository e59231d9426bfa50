"""Changes to a pull request: its text, its commits and its state."""

from dataclasses import replace
from functools import partial

from .commits import new_commit
from .deeds import Change, Fields, deed
from .model import Permission, Pull, Repo
from .payloads import Json
from .refusals import Refused, invalid


def open_pull(change: Change, fields: Fields) -> Pull:
    """Open a pull request; `fields` are title, body, head, base and draft.

    Without write access it comes from the author's own fork, as it does on GitHub.
    https://docs.github.com/rest/pulls/pulls#create-a-pull-request
    """
    world, repo = change.world, change.repo
    change.require_writable()
    if not (title := str(fields.get("title") or "").strip()):
        raise invalid("PullRequest", "title", "missing_field")
    number = len(repo.pulls) + 1
    base = str(fields.get("base") or repo.default_branch)
    if base not in repo.heads:
        raise invalid("PullRequest", "base", "invalid")
    source = repo if change.may_push else _fork(change)
    head = str(fields.get("head") or f"patch-{number}").rsplit(":", 1)[-1]
    _refuse_second(repo, source, head, base)
    now = world.clock.change()
    pull = Pull(
        id=world.new_id(),
        issue_id=world.new_id(),
        number=number,
        title=title,
        body=fields.get("body") or None,
        author=change.actor,
        head_ref=head,
        head_repo=source,
        base_ref=base,
        base_sha=repo.heads[base],
        created_at=now,
        updated_at=now,
        draft=bool(fields.get("draft")),
    )
    pull.commits.append(new_commit(world, change.actor, title, pull.base_sha, fields.get("files") or ()))
    repo.pulls[number] = pull
    repo.pushed_at = now
    change.note(pull, "opened", f"wants to merge {head} into {base}")
    change.tell(pull, "opened")
    return pull


@deed("edit")
def edit(change: Change, pull: Pull, fields: Fields) -> None:
    """Change title, body or base branch; `changes` of the event holds what was there before."""
    change.require_author_or_push(pull)
    title, base = fields.get("title", pull.title), fields.get("base", pull.base_ref)
    body = (fields["body"] or None) if "body" in fields else pull.body
    if not title:
        raise invalid("PullRequest", "title", "missing_field")
    if base not in change.repo.heads:
        raise invalid("PullRequest", "base", "invalid")
    if base != pull.base_ref and pull.stack:
        raise Refused(422, "The base branch of a stacked pull request cannot be changed.")
    changes: Json = {}
    if title != pull.title:
        changes["title"] = {"from": pull.title}
    if body != pull.body:
        changes["body"] = {"from": pull.body or ""}
    if base != pull.base_ref:
        changes["base"] = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
    if not changes:
        return
    pull.title, pull.body, pull.base_ref, pull.base_sha = title, body, base, change.repo.heads[base]
    change.note(pull, "edited", _edited(changes, title, base))
    change.tell(pull, "edited", changes=changes)
    pull.computed = "base" not in changes


@deed("push")
def push(change: Change, pull: Pull, fields: Fields) -> None:
    """Push `count` commits (`message`) to the head branch, with `force` in place of the newest one.

    `landed`: that many of its oldest commits are in the base by now. `late`: GitHub reports the pull request
    before it reports the push.
    """
    change.require_author_or_push(pull)
    before, force = pull.head_sha, bool(fields.get("force"))
    if force:
        pull.commits.pop()
        _outdate(pull)
    message = str(fields.get("message") or f"Improve {pull.title}")
    for _ in range(int(fields.get("count", 1))):
        parent = pull.commits[-1].sha if pull.commits else pull.base_sha
        pull.commits.append(
            new_commit(change.world, change.actor, message, parent, fields.get("files") or ())
        )
    commit = pull.commits[-1]
    del pull.commits[: int(fields.get("landed", 0))]
    late = bool(fields.get("late"))
    tell = partial(change.tell_push, pull.head_ref, before, commit.sha, forced=force, aside=True)
    if not pull.head_repo.fork and not late:
        tell()
    if pull.closed_at:
        return
    change.note(pull, "pushed", f"{'force-pushed' if force else 'pushed'} {commit.sha[:7]}: {commit.message}")
    change.repo.pushed_at = pull.updated_at
    change.tell(pull, "synchronize", before=before, after=commit.sha)
    if not pull.head_repo.fork and late:
        tell()


@deed("close")
def close(change: Change, pull: Pull, fields: Fields) -> None:
    """Close it unmerged; nothing happens if it is closed. The webhook says other values `instead`."""
    change.require_author_or_push(pull)
    if pull.closed_at:
        return
    pull.closed_at = change.world.clock.now()
    change.note(pull, "closed", "closed this")
    pull.closed_at = pull.updated_at
    change.tell(pull, "closed", instead=fields.get("instead"))


@deed("reopen")
def reopen(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Reopen it; nothing happens if it is open, and a merged one stays merged."""
    change.require_author_or_push(pull)
    if not pull.closed_at:
        return
    if pull.merged_at:
        raise invalid(
            "PullRequest", "state", "invalid", "state cannot be changed. The pull request is merged."
        )
    pull.closed_at = None
    change.note(pull, "reopened", "reopened this")
    change.tell(pull, "reopened")


@deed("draft")
def draft(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Convert it to a draft."""
    _set_draft(change, pull, draft=True)


@deed("ready")
def ready(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Mark a draft as ready for review."""
    _set_draft(change, pull, draft=False)


@deed("update_branch")
def update_branch(change: Change, pull: Pull, fields: Fields) -> None:
    """Merge the base into the head branch, if that still is `expected_head_sha`.

    https://docs.github.com/rest/pulls/pulls#update-a-pull-request-branch
    """
    change.require_author_or_push(pull)
    if (fields.get("expected_head_sha") or pull.head_sha) != pull.head_sha:
        raise Refused(422, "expected head sha didn’t match current head ref.")
    if pull.conflict:
        raise Refused(422, "merge conflict between base and head")
    if not pull.behind:
        raise Refused(422, "There are no new commits on the base branch.")
    push(change, pull, {"message": f"Merge branch '{pull.base_ref}' into {pull.head_ref}"})
    pull.behind, pull.base_sha = False, change.repo.heads[pull.base_ref]


def _set_draft(change: Change, pull: Pull, *, draft: bool) -> None:
    change.require_author_or_push(pull)
    if pull.closed_at:
        raise Refused(422, "The pull request is closed.")
    if pull.draft == draft:
        return
    pull.draft = draft
    change.note(pull, "draft" if draft else "ready", "made this a draft" if draft else "marked this as ready")
    change.tell(pull, "converted_to_draft" if draft else "ready_for_review")


def _fork(change: Change) -> Repo:
    """Return the actor's fork of the repository, made when it is first needed."""
    repo, actor = change.repo, change.actor
    if known := change.world.repo(f"{actor.login}/{repo.name}"):
        return known
    now = change.world.clock.now()
    return change.world.add_repo(
        Repo(
            id=change.world.new_id(),
            owner=actor,
            name=repo.name,
            private=repo.private,
            description=repo.description,
            created_at=now,
            pushed_at=now,
            fork=True,
            permissions={actor.login: Permission.ADMIN},
            heads=dict(repo.heads),
        )
    )


def _refuse_second(repo: Repo, source: Repo, head: str, base: str) -> None:
    for pull in repo.pulls.values():
        if (pull.head_repo, pull.head_ref, pull.base_ref, pull.state) == (source, head, base, "open"):
            message = f"A pull request already exists for {source.owner.login}:{head}."
            raise Refused(
                422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}]
            )


def _edited(changes: Json, title: str, base: str) -> str:
    parts = []
    if "title" in changes:
        parts.append(f"changed the title from “{changes['title']['from']}” to “{title}”")
    if "body" in changes:
        parts.append("edited the description")
    if "base" in changes:
        parts.append(f"changed the base branch to {base}")
    return " and ".join(parts)


def _outdate(pull: Pull) -> None:
    """Mark comments as outdated: their lines are gone."""
    for thread in pull.threads:
        thread.comments = [replace(comment, outdated=True) for comment in thread.comments]


@deed("delete_fork")
def delete_fork(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Delete the fork it came from: no event, but `head.repo` is null from then on."""
    change.require_author_or_push(pull)
    pull.fork_gone = True
