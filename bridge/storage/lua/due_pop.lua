#!lua flags=allow-oom
-- Remove a member that is due, and its note.
local due, notes = KEYS[1], KEYS[2]
local now = redis.call('TIME')
local member = redis.call('ZRANGEBYSCORE', due, '-inf', now[1] + now[2] / 1e6, 'LIMIT', 0, 1)[1]
if not member then return false end
redis.call('ZREM', due, member)
if not notes then return {member, ''} end
local note = redis.call('HGET', notes, member)
redis.call('HDEL', notes, member)
return {member, note or ''}
