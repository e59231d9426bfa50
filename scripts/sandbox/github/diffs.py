"""The files that a pull request changes, with their patches."""

from urllib.parse import quote

from .model import Pull, Repo, World
from .payloads import Json
from .records import Commit, FileChange

NAMES = ("counter.py", "tests/test_counter.py", "README.md")


def files_of(pull: Pull) -> list[FileChange]:
    """Return the changes of all commits by file; those that nobody described are made up."""
    told = [one for commit in pull.commits for one in commit.files]
    if told:
        return list({one.filename: one for one in told}.values())
    # The third commit and those after it change the third file.
    parts = [pull.commits[:1], pull.commits[1:2], pull.commits[2:]]
    return [_made_up(name, part) for name, part in zip(NAMES, parts, strict=True) if part]


def file_payload(world: World, repo: Repo, pull: Pull, file: FileChange) -> Json:
    """Return a file; one that was removed is found in the commit before."""
    sha = pull.base_sha if file.status == "removed" else pull.head_sha
    name, web = quote(file.filename), f"{world.config.web_url}/{repo.full_name}"
    patch = {"patch": file.patch} if file.patch else {}
    former = {"previous_filename": file.previous} if file.previous else {}
    return {
        "sha": sha[::-1],
        "filename": file.filename,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{web}/blob/{sha}/{name}",
        "raw_url": f"{web}/raw/{sha}/{name}",
        "contents_url": f"{world.config.api_url}/repos/{repo.full_name}/contents/{name}?ref={sha}",
        **patch,
        **former,
    }


def _made_up(name: str, commits: list[Commit]) -> FileChange:
    removed = sum(commit.deletions for commit in commits)
    added = sum(commit.additions for commit in commits)
    lines = [f"@@ -1,{removed + 1} +1,{added + 1} @@", " def count(seen: list[int]) -> int:"]
    lines += [f"-    total += seen[{at}]" for at in range(removed)]
    lines += [f"+    total += int(seen[{at}])" for at in range(added)]
    return FileChange(filename=name, patch="\n".join(lines))
