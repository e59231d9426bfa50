"""The project's commands (demo, test, bench, lock) and the stand-in services. bridge imports none of it."""
