#!lua flags=allow-oom
-- Move a flow from one list to another, so that it is in exactly one at each moment: 1, or 0 if it was not there.
local from, to = KEYS[1], KEYS[2]
local id, value = ARGV[1], ARGV[2]
if redis.call('HDEL', from, id) == 0 then return 0 end
redis.call('HSET', to, id, value)
return 1
