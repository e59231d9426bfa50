#!lua flags=allow-oom
-- Change a flow that is still there: fields of it, its members or its owners. Returns 'gone' where it is not,
-- 'stranger' where somebody outside would own it, 'last' where it would lose its last owner, else 'done'.
local flows, members, flows_of = KEYS[1], KEYS[2], KEYS[3]
local unread, unread_counts = KEYS[4], KEYS[5] -- all but the first are of the person who changes
local id, step, person, is_forced = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local changes = ARGV[5] -- as JSON, for the step `set`
local found = redis.call('HGET', flows, id)
if not found then return 'gone' end
local flow = cjson.decode(found)
if step == 'set' then
    for name, value in pairs(cjson.decode(changes)) do flow[name] = value end
elseif step == 'join' then
    redis.call('SADD', members, person)
    redis.call('SADD', flows_of, id)
    return 'done'
else
    if step == 'own' and redis.call('SISMEMBER', members, person) == 0 then return 'stranger' end
    local owners = {}
    for _, one in ipairs(flow.owners) do
        if one ~= person then owners[#owners + 1] = one end
    end
    local is_owner = #owners < #flow.owners
    if step == 'own' then owners[#owners + 1] = person end
    if is_owner and #owners == 0 and not is_forced then return 'last' end
    if step == 'leave' then
        redis.call('SREM', members, person)
        redis.call('SREM', flows_of, id)
        redis.call('DEL', unread, unread_counts)
    end
    flow.owners = owners
end
redis.call('HSET', flows, id, cjson.encode(flow))
return 'done'
