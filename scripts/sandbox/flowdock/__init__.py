"""A local stand-in for a Flowdock elsewhere: bridge's own inbox with made-up people and an open door.

`create_app(config)` gives the whole server; `python -m scripts.sandbox.flowdock --help` runs it. Its API is
the inbox's, faults can be injected (`scripts.sandbox.faults`), and `/_sandbox/` drives it.
"""

from scripts.sandbox.flowdock.app import create_app
from scripts.sandbox.flowdock.config import STAND_IN, Config, RecordingInbox

__all__ = ["STAND_IN", "Config", "RecordingInbox", "create_app"]
