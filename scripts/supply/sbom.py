"""A bill of materials: what requirements.txt pins, with hashes and licences, as CycloneDX 1.6 JSON.

https://cyclonedx.org/docs/1.6/json/. Licences are what the installed packages say of themselves. The
same pins give the same document: it has neither a time nor a random serial number.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bridge import __version__

ROOT = Path(__file__).parents[2]

Json = dict[str, Any]

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_TROVE = "License :: OSI Approved :: "


def bill(requirements: str, project: Json) -> Json:
    """Return the document for the text of requirements.txt and pyproject.toml's `project`."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": project["name"],
                "name": project["name"],
                "version": __version__,
                "description": project["description"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": (found := components(requirements)),
        "dependencies": _dependencies(project, {one["name"]: one["bom-ref"] for one in found}),
    }


def components(requirements: str) -> list[Json]:
    """Return a component for each pin, in their order; raises `ValueError` for a line that is no pin."""
    found: list[Json] = []
    for line in requirements.splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if digest := _HASH.match(text):
            found[-1]["hashes"].append({"alg": "SHA-256", "content": digest[1]})
            continue
        pin = _PIN.match(text)
        if pin is None:
            raise ValueError(f"requirements.txt has a line that is no pin: {text}")
        name, version, marker = pin.groups()
        found.append(_component(name, version, marker))
    return found


def _component(name: str, version: str, marker: str | None) -> Json:
    purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    component: Json = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [],
    }
    if licences := _licences(name):
        component["licenses"] = licences
    if marker:
        component["scope"] = "optional"
        component["properties"] = [{"name": "bridge:marker", "value": marker}]
    return component


def _dependencies(project: Json, refs: dict[str, str]) -> list[Json]:
    """Return what bridge and each component need of the others, as far as they are installed here."""

    def needed(asked: Iterable[str]) -> list[str]:
        return sorted(
            {refs[name] for one in asked if (name := canonicalize_name(Requirement(one).name)) in refs}
        )

    def asked(name: str) -> list[str]:
        try:
            return metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            return []

    of = {project["name"]: project["dependencies"]} | {ref: asked(name) for name, ref in refs.items()}
    return [{"ref": ref, "dependsOn": needed(them)} for ref, them in of.items()]


def _licences(name: str) -> list[Json]:
    """As the package says: an SPDX expression, else the names of its classifiers, else its own words."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return []
    if "License-Expression" in told:
        return [{"expression": told["License-Expression"]}]
    classified = [
        one.removeprefix(_TROVE) for one in told.get_all("Classifier") or [] if one.startswith(_TROVE)
    ]
    words = next(iter(told.get_all("License") or []), "").strip().partition("\n")[0][:100]
    return [{"license": {"name": one}} for one in classified or [words] if one]


def main() -> int:
    """Print the document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    print(json.dumps(bill((ROOT / "requirements.txt").read_text(), project), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
