#!lua flags=allow-oom
-- Take a member that is due, with its note: remove it or, where the taker claims it for some seconds, make it due
-- again once these are over.
local due, notes = KEYS[1], KEYS[2]
local claim = tonumber(ARGV[1])
local now = redis.call('TIME')
local at = now[1] + now[2] / 1e6
local member = redis.call('ZRANGEBYSCORE', due, '-inf', at, 'LIMIT', 0, 1)[1]
if not member then return false end
local note = notes and redis.call('HGET', notes, member) or ''
if claim > 0 then
    redis.call('ZADD', due, at + claim, member)
else
    redis.call('ZREM', due, member)
    if notes then redis.call('HDEL', notes, member) end
end
return {member, note}
