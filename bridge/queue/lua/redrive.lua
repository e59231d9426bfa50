-- Put a dead letter back into the inbox, behind what is there; 0 if it is gone. A message comes back as a
-- delivery, whose fields are the last arguments. It is no longer counted as dead.
-- include _counting
-- include _dead_index
local dead, inbox, backlog, index, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, counted, fields = ARGV[1], ARGV[2], {unpack(ARGV, 3)}
local OF_DEAD = {kind = true, reason = true, detail = true}
local entry = redis.call('XRANGE', dead, id, id)[1]
if not entry then return 0 end
if #fields == 0 then
    for i = 1, #entry[2], 2 do
        if not OF_DEAD[entry[2][i]] then
            fields[#fields + 1] = entry[2][i]
            fields[#fields + 1] = entry[2][i + 1]
        end
    end
end
redis.call('XADD', inbox, '*', unpack(fields))
count(fields, 1)
remove_dead(dead, index, (index_member(id, entry[2])))
end_counting(backlog)
if tonumber(redis.call('HGET', counts, counted) or 0) > 0 then redis.call('HINCRBY', counts, counted, -1) end
return 1
