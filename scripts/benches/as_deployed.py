"""`python -m MODULE ...` as it is deployed: without what only the tests' tools bring.

structlog loads `rich` and `greenlet` where it finds them, which is 8 MB and a tenth of a second;
requirements.txt has neither.
"""

import runpy
import sys

for name in ("rich", "greenlet"):
    sys.modules[name] = None  # type: ignore[assignment]  # to import it fails
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
