"""A local stand-in for a Flowdock elsewhere: its API, its OAuth and its signed actions.

`create_app(config)` gives the whole server; `python -m scripts.sandbox.flowdock --help` runs it. It keeps
everything in memory. Pages for people are bridge's own inbox's.
"""

from scripts.sandbox.flowdock.app import create_app
from scripts.sandbox.flowdock.config import Config

__all__ = ["Config", "create_app"]
