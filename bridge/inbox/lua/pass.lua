-- Give the turn of a thread to a person, unless the thread has changed since: 1, or 0. The next turn that bridge
-- names replaces it.
local thread = KEYS[1]
local prefix, flow_id, thread_id, placed = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local lists, holder, now, thread_ids = ARGV[5], ARGV[6], tonumber(ARGV[7]), {ARGV[3]}
-- include _update_lists
if redis.call('HGET', thread, 'placed') ~= placed then return 0 end
update_lists(thread_id, places_of(thread), cjson.decode(lists), redis.call('HGET', thread, 'last'), '', now)
write_all()
redis.call('HSET', thread, 'places', lists, 'passed', holder)
return 1
