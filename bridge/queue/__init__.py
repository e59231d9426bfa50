"""The durable queue on Redis Streams: its entries, scripts, leases and dead letters. No wording."""
