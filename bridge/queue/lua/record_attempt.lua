#!lua flags=allow-oom
-- Record an entry's failed attempts, so that the partition's next owner goes on from there.
-- include _fenced
local attempts = KEYS[2]
local name, value = ARGV[2], ARGV[3]
redis.call('HSET', attempts, name, value)
