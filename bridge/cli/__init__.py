"""The command line: each command, the doctor, and how `serve`, `web` and `worker` run. No rule of its own."""
