#!lua flags=allow-oom
-- Find the person of a session that is not over, and note the use of both. Nothing is noted once one
-- of them has gone.
local sessions, people, owners, seen = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, id, now, idle, longest = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local found = redis.call('HGET', sessions, name)
if not found then return false end
local session, person = cjson.decode(found), redis.call('HGET', people, id)
if not person or now > session.used + idle or now > session.began + longest then
    redis.call('HDEL', sessions, name)
    return false
end
if now >= session.used + 60 or redis.call('HEXISTS', seen, id) == 0 then
    session.used = now
    redis.call('HSET', sessions, name, cjson.encode(session))
    redis.call('HSET', seen, id, now)
end
return {person, redis.call('SISMEMBER', owners, id), redis.call('HGET', seen, id)}
