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
