-- The dead letters by repository, the oldest of each first: a sorted set of `REPOSITORY/TIME-NUMBER/BYTES`.
local function index_member(id, fields)
    local repository, bytes = measure(fields)
    local time, number = string.match(id, '^(%d+)-(%d+)$')
    return string.format('%s/%s-%06d/%d', repository or '', time, number, bytes), bytes
end
local function remove_dead(dead, index, member)
    local time, number, bytes = string.match(member, '/(%d+)-(%d+)/(%d+)$')
    redis.call('ZREM', index, member)
    redis.call('XDEL', dead, time .. '-' .. string.format('%d', number))
    add('dead', -tonumber(bytes))
    return tonumber(bytes)
end
-- Give a dead letter up for good: its delivery's id is forgotten, so that GitHub can send it again.
local function give_up_dead(dead, index, member)
    local time, number = string.match(member, '/(%d+)-(%d+)/%d+$')
    local id = time .. '-' .. string.format('%d', number)
    for _, entry in ipairs(redis.call('XRANGE', dead, id, id)) do
        for i = 1, #entry[2], 2 do
            if entry[2][i] == 'delivery_id' then
                redis.call('DEL', string.match(dead, '^bridge:{%d+}:') .. 'seen:' .. entry[2][i + 1])
            end
        end
    end
    return remove_dead(dead, index, member)
end
