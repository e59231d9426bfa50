"""A local stand-in for Flowdock: its API, its OAuth, its signed actions, and its team inbox as a web page.

`create_app(config)` gives the whole server; `python -m scripts.sandbox.flowdock --help` runs it. It keeps
everything in memory and imports nothing of the product, so it checks the wire independently.
"""

from scripts.sandbox.flowdock.app import create_app
from scripts.sandbox.flowdock.config import Config

__all__ = ["Config", "create_app"]
