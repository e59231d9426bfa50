"""`python -m MODULE ...` as it is deployed: without what only the tests' tools bring.

structlog loads `rich` where it finds it, which is 7 MB and a tenth of a second; requirements.txt has none.
"""

import runpy
import sys

sys.modules["rich"] = None  # type: ignore[assignment]  # to import it fails
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
