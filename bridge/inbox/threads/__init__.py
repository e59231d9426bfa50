"""Threads and their messages, from the check of one that is sent to the lists that it appears on.

- `validation` checks a message, `messages` takes it (`accepting`: many at once), `changes` edits it.
- `stored` reads both back, `search` finds threads, `feed` waits for new messages.
- `placing` says on which of a person's lists a thread is, `lists` keeps these, `marks` what was read.
- `extension` is the pull request in a thread; `markup` makes others' HTML safe.

No HTTP: that is for `api` and `pages`.
"""
