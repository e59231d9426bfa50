"""Everything that Redis keeps besides the queue: the client, every key, one store a noun."""
