"""The log, the metrics and the shutdown signal of each process.

Whatever works on deliveries, or knows Redis, GitHub or HTTP, belongs elsewhere.
"""
