#!lua flags=allow-oom
-- Forget a dead letter, and its delivery's id.
-- include _counting
-- include _dead_index
local dead, backlog, index = KEYS[1], KEYS[2], KEYS[3]
local id = ARGV[1]
local entry = redis.call('XRANGE', dead, id, id)[1]
if not entry then return end
give_up_dead(dead, index, (index_member(id, entry[2])))
end_counting(backlog)
