"""bridge: one Flowdock thread per GitHub pull request, with buttons that act as the person who clicked."""

__version__ = "0.2.0"
