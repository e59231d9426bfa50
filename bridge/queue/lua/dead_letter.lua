#!lua flags=allow-oom
-- Move an entry to the dead letters. A large payload is not kept, and its delivery's id is forgotten, so that
-- GitHub can send it again. Older dead letters make room: first those of the same repository; where all are
-- too many, those of the repository that has most.
-- include _fenced
-- include _counting
-- include _attempts
-- include _dead_index
-- include _writes
local stream, attempts, dead, backlog, index, seen = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local id, kind, reason, detail = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local writes, bounds = cmsgpack.unpack(ARGV[6]), cmsgpack.unpack(ARGV[7])

local entry = redis.call('XRANGE', stream, id, id)[1]
if not entry then return end
write_texts(writes)
end_writing()
count(entry[2], -1)
local fields = {'kind', kind, 'reason', reason, 'detail', detail}
for i = 1, #entry[2], 2 do
    local name, value = entry[2][i], entry[2][i + 1]
    if name == 'body' and #value > bounds.largest then
        name, value = 'dropped', tostring(#value)
        redis.call('DEL', seen)
    end
    fields[#fields + 1] = name
    fields[#fields + 1] = value
end
local newest, bytes = index_member(redis.call('XADD', dead, '*', unpack(fields)), fields)
redis.call('ZADD', index, 0, newest)
add('dead', bytes)
redis.call('XDEL', stream, id)
forget_attempts(attempts, kind, {id})

local function repository_of(member) return string.match(member, '^%d*') end
local function bytes_of(member) return tonumber(string.match(member, '(%d+)$')) end
local function make_room_among_own()
    local repository, held = repository_of(newest), 0
    local own = redis.call('ZRANGEBYLEX', index, '[' .. repository .. '/', '(' .. repository .. '0')
    for _, member in ipairs(own) do held = held + bytes_of(member) end
    for i = 1, #own - 1 do
        if #own - i < bounds.own_number and held <= bounds.own_bytes then break end
        held = held - give_up_dead(dead, index, own[i])
    end
end
local function by_repository()
    local parts = {}
    for _, member in ipairs(redis.call('ZRANGE', index, 0, -1)) do
        local repository = repository_of(member)
        local part = parts[repository] or {first = 1, bytes = 0}
        parts[repository] = part
        part[#part + 1] = member
        part.bytes = part.bytes + bytes_of(member)
    end
    return parts
end
local function largest_of(parts)
    local largest, share = nil, -1
    for _, part in pairs(parts) do
        local own = math.max((#part - part.first + 1) / bounds.all_number, part.bytes / bounds.all_bytes)
        if own > share then largest, share = part, own end
    end
    return largest
end
local function make_room_among_all()
    local number, held = redis.call('ZCARD', index), tonumber(redis.call('HGET', backlog, 'dead'))
    if number <= bounds.all_number and held <= bounds.all_bytes then return end
    local parts = by_repository()
    while number > bounds.all_number or held > bounds.all_bytes do
        local part = largest_of(parts)
        local freed = give_up_dead(dead, index, part[part.first])
        part.first, part.bytes = part.first + 1, part.bytes - freed
        number, held = number - 1, held - freed
    end
end
make_room_among_own()
end_counting(backlog)
make_room_among_all()
end_counting(backlog)
