#!lua flags=allow-oom
-- Remove a flow's threads that are over its bounds, at most so many: the number of those removed.
local threads, open, usage = KEYS[1], KEYS[2], KEYS[3]
local prefix, flow_id, members = ARGV[4], ARGV[5], redis.call('SMEMBERS', KEYS[4])
local bounds, thread_parts = cjson.decode(ARGV[1]), cjson.decode(ARGV[2])
local most = tonumber(ARGV[3])
-- include _lists
-- include _trim
return trim('', most)
