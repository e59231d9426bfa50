"""A GitHub App's manifest, read and checked as GitHub checks it.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest

GitHub does not document what it says of a bad one. Its words on missing and mistyped keys and on events are
known from bug reports (probot/probot#806, derive-to/derive#269, tuist/tuist#10709); the rest is ours.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .app_permissions import EVENTS, LEVELS, OTHER, REPOSITORY, allows

LONGEST_NAME = 34
MOST_CALLBACKS = 10
KINDS: Mapping[str, type] = {
    "name": str,
    "url": str,
    "hook_attributes": dict,
    "redirect_url": str,
    "callback_urls": list,
    "setup_url": str,
    "description": str,
    "public": bool,
    "default_events": list,
    "default_permissions": dict,
    "request_oauth_on_install": bool,
    "setup_on_update": bool,
}
HOOK_KINDS: Mapping[str, type] = {"url": str, "active": bool}
WORDS = {str: "a string", dict: "an object", list: "an array", bool: "a boolean"}


class BadManifest(Exception):
    """A manifest that GitHub would not take; `errors` are sentences."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__(" ".join(errors))
        self.errors = errors


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The registration of an App. Without a `hook_url` it has no webhook."""

    name: str
    url: str
    description: str
    public: bool
    redirect_url: str
    callback_urls: tuple[str, ...]
    setup_url: str
    setup_on_update: bool
    request_oauth_on_install: bool
    hook_url: str
    hook_active: bool
    permissions: Mapping[str, str]
    events: tuple[str, ...]


def read_manifest(text: str) -> Manifest:
    """Return the manifest that `text` is the JSON of; raises `BadManifest`."""
    try:
        given = json.loads(text)
    except ValueError:
        raise BadManifest(["The manifest is not valid JSON."]) from None
    if not isinstance(given, dict):
        raise BadManifest(["The manifest is not a JSON object."])
    if errors := _mistyped(given) or [*_bad_addresses(given), *_bad_access(given)]:
        raise BadManifest(errors)
    hook = given.get("hook_attributes") or {}
    return Manifest(
        name=given.get("name", "").strip(),
        url=given["url"],
        description=given.get("description", ""),
        public=given.get("public", False),
        redirect_url=given.get("redirect_url", ""),
        callback_urls=tuple(given.get("callback_urls", [])),
        setup_url=given.get("setup_url", ""),
        setup_on_update=given.get("setup_on_update", False),
        request_oauth_on_install=given.get("request_oauth_on_install", False),
        hook_url=hook.get("url", ""),
        hook_active=hook.get("active", True),
        permissions=_permissions(given),
        events=tuple(given.get("default_events", [])),
    )


def name_problem(name: str, taken: set[str]) -> str:
    """Return the problem of an App's name; empty without one. No two Apps share a name."""
    if not name:
        return "Name can't be blank"
    if len(name) > LONGEST_NAME:
        return f"Name is too long (maximum is {LONGEST_NAME} characters)"
    return "Name is already taken" if name.lower() in {one.lower() for one in taken} else ""


def _mistyped(given: Mapping[str, Any]) -> list[str]:
    """Return what a schema finds: keys that are missing, unknown, or of another type."""
    errors = _check(given, KINDS)
    if isinstance(hook := given.get("hook_attributes"), dict):
        errors += _check(hook, HOOK_KINDS, at="hook_attributes/properties/")
    for name in ("callback_urls", "default_events"):
        items = given.get(name)
        if isinstance(items, list):
            errors += [
                f"For 'properties/{name}', {one!r} is not a string." for one in items if not _text(one)
            ]
    return errors


def _check(given: Mapping[str, Any], kinds: Mapping[str, type], *, at: str = "") -> list[str]:
    errors = [f'"{name}" is not a permitted key.' for name in given if name not in kinds]
    errors += [
        f"For 'properties/{at}{name}', {value!r} is not {WORDS[kinds[name]]}."
        for name, value in given.items()
        if name in kinds and not isinstance(value, kinds[name])
    ]
    # Of a webhook, too, the address is required, and GitHub names it the same.
    return errors if given.get("url") else [*errors, '"url" wasn\'t supplied.']


def _text(value: object) -> bool:
    return isinstance(value, str)


def _bad_addresses(given: Mapping[str, Any]) -> list[str]:
    named = {
        "Url": given["url"],
        "Hook url": (given.get("hook_attributes") or {}).get("url"),
        "Redirect url": given.get("redirect_url"),
        "Setup url": given.get("setup_url"),
    }
    callbacks = given.get("callback_urls", [])
    errors = [f"{name} must be a valid URL" for name, url in named.items() if url and not _is_url(url)]
    errors += [f"Callback url must be a valid URL: {url}" for url in callbacks if not _is_url(url)]
    if len(callbacks) > MOST_CALLBACKS:
        errors.append(f"Callback urls are limited to {MOST_CALLBACKS}")
    if given.get("setup_url") and given.get("request_oauth_on_install"):
        # https://docs.github.com/apps/creating-github-apps/registering-a-github-app/about-the-setup-url
        errors.append("Setup url cannot be used if authorization is requested during installation")
    return errors


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _permissions(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the permissions asked for; any of a repository brings `metadata` with it."""
    asked: dict[str, str] = dict(given.get("default_permissions", {}))
    return ({"metadata": "read"} if REPOSITORY & asked.keys() else {}) | asked


def _bad_access(given: Mapping[str, Any]) -> list[str]:
    asked, events = _permissions(given), given.get("default_events", [])
    unknown = [name for name in asked if name not in REPOSITORY | OTHER]
    errors = [f"Default permissions unsupported: {_listed(unknown)}"] if unknown else []
    levels = [f"{name}: {level}" for name, level in asked.items() if level not in LEVELS]
    if levels:
        return [*errors, f"Default permissions have an unknown access type: {_listed(levels)}"]
    if unsupported := [name for name in events if name not in EVENTS]:
        errors.append(f"Default events unsupported: {_listed(unsupported)}")
    uncovered = [
        name for name in events if not allows(asked, tuple((p, "read") for p in EVENTS.get(name, ())))
    ]
    if uncovered:
        errors.append(f"Default events are not supported by permissions: {_listed(uncovered)}")
    return errors


def _listed(names: list[str]) -> str:
    """Return the way Rails lists: `a`, `a and b`, `a, b, and c`."""
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"
