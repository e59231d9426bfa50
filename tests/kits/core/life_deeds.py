"""Deeds of people on the pull request of `tests.kits.core.life`, each registered by its name."""

from collections.abc import Callable

from tests.kits.core import check_samples, samples
from tests.kits.core.life import CHECKS, DEEDS, NAMES, PEOPLE, REFS, VERDICTS, Life
from tests.kits.core.samples import Payload

Deed = Callable[[Life, int], None]


def deed(perform: Deed) -> Deed:
    DEEDS[perform.__name__] = perform
    return perform


# Words and state


@deed
def retitle(life: Life, which: int) -> None:
    if life.may("title"):
        before, life.truth.title = life.truth.title, f"Title {which} of {life.new()}"
        life.tell("edited", changes={"title": {"from": before}})


@deed
def describe(life: Life, which: int) -> None:
    if life.may("body"):
        before, life.truth.body = life.truth.body, f"Body {which} of {life.new()}"
        life.tell("edited", changes={"body": {"from": before}})


@deed
def retarget(life: Life, which: int) -> None:
    before = life.truth.base
    if life.may("base", "changes", when=before != REFS[which]):
        life.truth.base = REFS[which]
        life.tell("edited", changes={"base": {"ref": {"from": before}, "sha": {"from": "b" * 40}}})


@deed
def close(life: Life, which: int) -> None:
    if life.may("state", "auto_merge", when=life.truth.state == "open"):
        life.truth.state, life.truth.auto_merge = "closed", False
        life.tell("closed")


@deed
def reopen(life: Life, which: int) -> None:
    if life.may("state", when=life.truth.state == "closed"):
        life.truth.state = "open"
        life.tell("reopened")


@deed
def merge(life: Life, which: int) -> None:
    now = life.truth
    if life.may("state", "auto_merge", when=now.state == "open" and not now.draft and which == 0):
        now.state, now.auto_merge = "merged", False
        life.tell("closed")


@deed
def toggle_draft(life: Life, which: int) -> None:
    if life.may("draft", when=life.truth.state == "open"):
        life.truth.draft = not life.truth.draft
        life.tell("converted_to_draft" if life.truth.draft else "ready_for_review")


@deed
def push(life: Life, which: int) -> None:
    if life.may("head", "changes", when=life.truth.state == "open"):
        before, life.truth.head = life.truth.head, f"{life.new():040x}"
        life.truth.pushes += 1
        life.tell("synchronize", before=before, after=life.truth.head)


# People, labels, milestones


@deed
def toggle_label(life: Life, which: int) -> None:
    name = NAMES[which]
    if life.may(f"label {name}"):
        life.truth.labels ^= {name}
        action = "labeled" if name in life.truth.labels else "unlabeled"
        life.tell(action, label=samples.label(name))


@deed
def toggle_assignee(life: Life, which: int) -> None:
    login = PEOPLE[which]
    if life.may(f"assignee {login}"):
        life.truth.assignees ^= {login}
        action = "assigned" if login in life.truth.assignees else "unassigned"
        life.tell(action, assignee=samples.user(login))


@deed
def toggle_request(life: Life, which: int) -> None:
    login = PEOPLE[which]
    if life.may(f"requested {login}"):
        life.truth.requested ^= {login}
        action = "review_requested" if login in life.truth.requested else "review_request_removed"
        life.tell(action, requested_reviewer=samples.user(login))


@deed
def toggle_milestone(life: Life, which: int) -> None:
    if life.may("milestone"):
        name = life.truth.milestone or f"1.{which}"
        life.truth.milestone = "" if life.truth.milestone else name
        action = "milestoned" if life.truth.milestone else "demilestoned"
        life.tell(action, milestone=samples.milestone(name))


# Merging


@deed
def toggle_auto_merge(life: Life, which: int) -> None:
    if life.may("auto_merge", when=life.truth.state == "open"):
        life.truth.auto_merge = not life.truth.auto_merge
        life.tell("auto_merge_enabled" if life.truth.auto_merge else "auto_merge_disabled", reason="x")


@deed
def toggle_queue(life: Life, which: int) -> None:
    # GitHub queues no draft.
    if life.may("queued", when=life.truth.state == "open" and not life.truth.draft):
        life.truth.queued = not life.truth.queued
        if life.truth.queued:
            life.tell("enqueued")
        else:
            life.tell("dequeued", reason="MANUAL")


# Reviews and comments


@deed
def review(life: Life, which: int) -> None:
    login, verdict, now = PEOPLE[which], VERDICTS[life.new() % 3], life.truth
    if not life.may(f"review {login}"):
        return
    # It ends a request of the same second, and not the other way round.
    life.spoken.update([f"requested {login}"])
    now.requested.discard(login)
    if verdict != "commented":
        now.reviews[login] = verdict
    about = {"id": life.new(), "state": verdict, "body": "Hm", "submitted_at": life.at}
    payload = samples.on_review("submitted", life.pull(), by=login, **about)
    life.given.append(payload["review"])
    life.send("pull_request_review", payload)


@deed
def dismiss(life: Life, which: int) -> None:
    given = [one for one in life.given if one["state"] in ("approved", "changes_requested")]
    if not given:
        return
    one = given[which % len(given)]
    login = one["user"]["login"]
    newest = [other for other in given if other["user"]["login"] == login][-1]
    if life.may(f"review {login}", when=one is newest):
        life.truth.reviews.pop(login, None)
        one["state"] = "dismissed"
        life.send("pull_request_review", samples.on_review("dismissed", life.pull(), by="ann", **one))


@deed
def comment(life: Life, which: int) -> None:
    life.send("issue_comment", samples.on_comment("created", life.pull(), by=PEOPLE[which], id=life.new()))


@deed
def comment_on_line(life: Life, which: int) -> None:
    number = life.new()
    life.may(f"talk {number}")
    life.truth.open_talks.add(number)
    about = {"id": number, "created_at": life.at, "pull_request_review_id": life.new()}
    payload = samples.on_line("created", life.pull(), by=PEOPLE[which], **about)
    life.talks.append([payload["comment"]])
    life.send("pull_request_review_comment", payload)


@deed
def answer_on_line(life: Life, which: int) -> None:
    if life.talks:
        talk = life.talks[which % len(life.talks)]
        about: Payload = {"id": life.new(), "created_at": life.at, "in_reply_to_id": _first(talk)}
        payload = samples.on_line("created", life.pull(), **about)
        talk.append(payload["comment"])
        life.send("pull_request_review_comment", payload)


def _first(talk: list[Payload]) -> int:
    """The id of the comment that began a conversation, which may be gone."""
    return int(talk[0].get("in_reply_to_id") or talk[0]["id"])


@deed
def toggle_talk(life: Life, which: int) -> None:
    """A conversation is resolved, or taken up again."""
    if not life.talks:
        return
    talk = life.talks[which % len(life.talks)]
    one = talk[0]
    if life.may(f"talk {_first(talk)}"):
        life.truth.open_talks ^= {one["id"]}
        action = "unresolved" if one["id"] in life.truth.open_talks else "resolved"
        at = life.at if life.timed else ""
        life.send("pull_request_review_thread", samples.on_thread(action, life.pull(), at=at, **one))


@deed
def delete_talk(life: Life, which: int) -> None:
    """The first comment that is left is deleted: the conversation ends with the last."""
    if life.talks and which == 0:
        talk = life.talks[-1]
        one = talk.pop(0)
        if one["id"] in life.truth.open_talks:
            life.truth.open_talks ^= {one["id"], *(reply["id"] for reply in talk[:1])}
        if not talk:
            life.talks.pop()
        life.send("pull_request_review_comment", samples.on_line("deleted", life.pull(), **one))


# Checks: of the head, or of a commit that is to be pushed yet


@deed
def start_check(life: Life, which: int) -> None:
    _check(life, CHECKS[which], "in_progress")


@deed
def pass_check(life: Life, which: int) -> None:
    _check(life, CHECKS[which], "success")


@deed
def fail_check(life: Life, which: int) -> None:
    _check(life, CHECKS[which], "failure")


def _check(life: Life, name: str, state: str) -> None:
    """A run starts, or one that is under way ends; one that was not is heard of only now."""
    sha = life.truth.head
    key = (sha, name)
    started = life.running.pop(key, "") if state != "in_progress" else ""
    if not started and not life.may(f"check {sha} {name}"):
        return
    started = started or life.at
    if state == "in_progress":
        life.running[key] = started
    life.truth.checks[key] = {"in_progress": "running", "success": "passed", "failure": "failed"}[state]
    life.send("check_run", check_samples.run(name, state, sha=sha, at=started, numbers=()))


@deed
def status(life: Life, which: int) -> None:
    sha, state = life.truth.head, ("pending", "success", "failure")[which]
    if life.may(f"status {sha}"):
        shown = {"pending": "running", "success": "passed", "failure": "failed"}[state]
        life.truth.checks[sha, "ci"] = shown
        life.send("status", check_samples.status("ci", state, sha=sha, at=life.at))
