"""Audit the packages that requirements.txt pins, by pip-audit.

Ends with 1 if a vulnerability is known, else with 0. Packages that could not be looked up are named as
"skipped", all or some: pip-audit itself passes over that in silence.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REQUIREMENTS = Path("requirements.txt")
SECONDS = 120
"""For all packages together."""


def main() -> int:
    """Ask, print, and return the exit status."""
    try:
        asked = subprocess.run(  # noqa: S603  (nothing of it comes from outside)
            [
                *(sys.executable, "-m", "pip_audit", "--requirement", str(REQUIREMENTS)),
                *("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"),
                *("--timeout", "10"),
            ],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"skipped: no answer from the database of vulnerabilities within {SECONDS} seconds")
        return 0
    lines, status = told(asked.stdout, asked.stderr)
    print("\n".join(lines))
    return status


def told(answer: str, errors: str) -> tuple[list[str], int]:
    """Return what to say, and the exit status, for pip-audit's JSON and what it complained of."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (errors.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return [f"skipped: the database of vulnerabilities cannot be reached ({reason})"], 0
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    if packages and len(unknown) == len(packages):
        return [f"skipped: the database cannot be reached, or knows none of the {len(packages)} packages"], 0
    found = [
        f"{one['name']} {one['version']}: {vulnerability['id']}, mended in "
        f"{', '.join(vulnerability.get('fix_versions') or ['no version'])}"
        for one in packages
        for vulnerability in one.get("vulns", [])
    ]
    lines = [*found, *(f"skipped: {name} could not be looked up" for name in unknown)]
    if not packages:
        return ["requirements.txt pins nothing"], 1
    known = len(packages) - len(unknown)
    lines.append(f"{known} of {len(packages)} packages looked up, {len(found)} vulnerabilities known")
    return lines, int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
