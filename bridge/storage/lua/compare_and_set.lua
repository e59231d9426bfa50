#!lua flags=allow-oom
-- Replace a value only if it is still the one that was read ('': none was there); 0 otherwise. Its lifetime
-- stays. Some values have a counter of changes; with a member, that moves from one set to another.
local key, changes, joined, left = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local read, value, member = ARGV[1], ARGV[2], ARGV[3]
if (redis.call('GET', key) or '') ~= read then return 0 end
redis.call('SET', key, value, 'KEEPTTL')
if changes then redis.call('INCR', changes) end
if member then
    redis.call('SADD', joined, member)
    redis.call('SREM', left, member)
end
return 1
