"""What each process of bridge has: its log, its metrics and its signal to shut down.

What works on deliveries, or knows Redis, GitHub or HTTP, belongs elsewhere.
"""
