"""Loops beside a worker: health of connections, redelivery, merge conflicts. They answer nobody."""
