#!lua flags=allow-oom
-- Give a lease back, unless another worker has taken the partition.
local lease, fence = KEYS[1], KEYS[2]
local own_fence = ARGV[1]
if redis.call('GET', fence) == own_fence then redis.call('DEL', lease) end
