"""Loops beside a worker: health of connections, redelivery, merge conflicts, logs and diffs. No HTTP."""
