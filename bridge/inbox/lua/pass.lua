-- Give the turn of a thread to a person, unless the thread has changed since: 1, or 0. The next turn that bridge
-- tells replaces it.
-- include _desk
local thread = KEYS[1]
local prefix, flow, thread_id, placed, places, holder, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
if redis.call('HGET', thread, 'placed') ~= placed then return 0 end
bring_to_desks(prefix, flow, thread, thread_id, cjson.decode(places), redis.call('HGET', thread, 'last'), '', tonumber(now))
redis.call('HSET', thread, 'places', places, 'passed', holder)
return 1
