#!lua flags=allow-oom
-- Note that a worker lives; how many do. By Redis's own clock: the hosts' may differ, or jump.
local workers = KEYS[1]
local worker, seconds = ARGV[1], tonumber(ARGV[2])
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', workers, now + seconds, worker)
redis.call('ZREMRANGEBYSCORE', workers, '-inf', '(' .. now)
return redis.call('ZCARD', workers)
