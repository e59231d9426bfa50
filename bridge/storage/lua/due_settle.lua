#!lua flags=allow-oom
-- End the claim to a member: remove it, or make it due later with another note. One that was added with another
-- note since it was claimed stays as it is.
local due, notes = KEYS[1], KEYS[2]
local member, claimed, delay, note = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('HGET', notes, member) ~= claimed then return end
if delay == '' then
    redis.call('ZREM', due, member)
    redis.call('HDEL', notes, member)
else
    local now = redis.call('TIME')
    redis.call('ZADD', due, now[1] + now[2] / 1e6 + delay, member)
    redis.call('HSET', notes, member, note)
end
