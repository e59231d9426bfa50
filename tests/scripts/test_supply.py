"""The bill of materials is complete, and the audit names the packages that nobody could be asked about."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import cyclonedx.schema
import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from scripts.supply import audit, sbom

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(cyclonedx.schema.__file__).parent / "_res"
PINS = set(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.M))


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "scripts" / script], capture_output=True, text=True, check=False)


def schemas() -> Registry[Any]:
    """CycloneDX's own, as its library brings them."""
    names = ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")
    found = {
        f"http://cyclonedx.org/schema/{name}": Resource.from_contents(
            json.loads((SCHEMAS / name).read_text())
        )
        for name in names
    }
    return Registry().with_resources(found.items())


def test_the_bill_of_materials_lists_what_is_pinned() -> None:
    made = run("sbom")
    assert made.returncode == 0, made.stderr
    bill = json.loads(made.stdout)
    schema = json.loads((SCHEMAS / "bom-1.6.SNAPSHOT.schema.json").read_text())
    Draft7Validator(schema, registry=schemas()).validate(bill)
    assert {(one["name"], one["version"]) for one in bill["components"]} == PINS
    assert len(PINS) > 20
    hashes = sum(len(one["hashes"]) for one in bill["components"])
    assert hashes == (ROOT / "requirements.txt").read_text().count("--hash=sha256:")
    needed, open_ = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}, ["bridge"]
    assert {f"pkg:pypi/{name}" for name in ("aiohttp", "uvloop", "pyjwt")} <= {
        ref.partition("@")[0] for ref in needed["bridge"]
    }
    reached: set[str] = set()
    while open_:
        reached.add(ref := open_.pop())
        open_ += set(needed[ref]) - reached
    assert reached == needed.keys(), "bridge needs each component, directly or not"
    unlicensed = {one["name"] for one in bill["components"] if not one.get("licenses")}
    assert unlicensed <= {one["name"] for one in bill["components"] if one.get("scope") == "optional"}


@pytest.mark.parametrize(
    "line", ["aiohttp>=3", "git+https://github.com/x/y", "-e .", "x @ https://evil.example"]
)
def test_an_unpinned_package_is_not_listed(line: str) -> None:
    with pytest.raises(ValueError, match="no pin"):
        sbom.components(line)


def test_the_audit_runs_or_says_that_it_could_not() -> None:
    done = run("audit")
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("skipped: ") or last.endswith("packages looked up, 0 vulnerabilities known"), last


def answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


FINE: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}
UNKNOWN = {"name": "b", "skip_reason": "Dependency not found on PyPI"}
BAD = {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"], "aliases": []}]}

TOLD = [
    ("all fine", answer(FINE), "1 of 1 packages looked up, 0 vulnerabilities known", 0),
    ("one is bad", answer(FINE, BAD), "c 2: PYSEC-1, mended in 3", 1),
    ("some are unknown", answer(FINE, UNKNOWN), "skipped: b could not be looked up", 0),
    ("all are unknown", answer(UNKNOWN), "skipped: ", 0),
    ("no answer", "", "skipped: ", 0),
    ("nothing is pinned", answer(), "pins nothing", 1),
]


@pytest.mark.parametrize(("said", "line", "status"), [pytest.param(*row, id=name) for name, *row in TOLD])
def test_the_report_of_the_audit(said: str, line: str, status: int) -> None:
    lines, found = audit.told(said, "requests.ConnectionError: no route\n")
    assert found == status
    assert any(line in one for one in lines), lines
