"""People of the inbox: who they are, how they get in, their sessions, and what programs may do as them.

No flows and no threads: `admission.py`, one floor up, takes a person who leaves out of them.
"""
