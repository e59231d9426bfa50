#!lua flags=allow-oom
-- Make members due, each with the same note if the queue has notes. A member that is added may only become due
-- earlier, and its note is replaced; one that is put back stays as it is if it was added meanwhile.
local due, notes = KEYS[1], KEYS[2]
local delay, how, note = ARGV[1], ARGV[2], ARGV[3]
local MEMBERS = 4
local now, is_added = redis.call('TIME'), how == 'add'
local at = now[1] + now[2] / 1e6 + delay
for i = MEMBERS, #ARGV do
    local is_new = redis.call('ZADD', due, is_added and 'LT' or 'NX', at, ARGV[i]) == 1
    if notes and (is_new or is_added) then redis.call('HSET', notes, ARGV[i], note) end
end
