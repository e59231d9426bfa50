"""`bridge`, and `python -m bridge` in a checkout: the command line."""

import os
import sys

from bridge.cli.main import main


def run() -> int:
    """Run the command that this process was started with; return its exit status."""
    return main(sys.argv[1:], os.environ)


if __name__ == "__main__":
    sys.exit(run())
