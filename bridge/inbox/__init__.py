"""A team's inbox of bridge's own, speaking Flowdock's protocol: people, flows, threads, API and pages.

It knows no GitHub client and no pull request: bridge posts here like any other application, over HTTP, and
the wiring hands in what the inbox asks of GitHub. Nothing lives in a process: several serve one Redis.

A message comes in by `api`, is kept in `threads`, shown by `pages`, and reported by `notifications`. Here lie
the keys in Redis, and what needs people, flows and threads together.
"""
