"""bridge: one Flowdock thread per GitHub pull request, with buttons that act as the person who clicked."""
