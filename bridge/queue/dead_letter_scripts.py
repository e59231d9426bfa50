"""The atomic steps of dead letters, as Redis runs them; see `bridge.queue.scripts`."""

from bridge.queue.scripts import COUNTING, FENCED, WRITES

# The dead letters by repository, so that the oldest of one are found: `KEYS` are the stream, the sorted set.
_GRAVES = """
local function grave(id, fields)
    local repository, bytes = measure(fields)
    local moment, at = string.match(id, '^(%d+)-(%d+)$')
    return string.format('%s/%s-%06d/%d', repository or '', moment, at, bytes), bytes
end
local function remove(graves, dead, member)
    local moment, at, bytes = string.match(member, '/(%d+)-(%d+)/(%d+)$')
    redis.call('ZREM', graves, member)
    redis.call('XDEL', dead, moment .. '-' .. string.format('%d', at))
    add('dead', -tonumber(bytes))
    return tonumber(bytes)
end
"""

# A large payload is not kept, and its delivery's id is forgotten, so that GitHub can send it again. Of the
# same repository the oldest go first; where all are too many, the oldest of the repository that has most.
# ARGV: the fence, the entry's id and kind, reason, detail; the writes in MessagePack, a text behind each; in
# MessagePack the largest payload that is kept, then the letters and bytes kept of a repository and of all.
DEAD_LETTER = (
    FENCED
    + COUNTING
    + _GRAVES
    + WRITES
    + """
local entry = redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2])[1]
if not entry then return end
local largest, own_letters, own_bytes, all_letters, all_bytes = unpack(cmsgpack.unpack(ARGV[7]))
write_texts(cmsgpack.unpack(ARGV[6]))
end_writing()
count(entry[2], -1)
local fields = {'kind', ARGV[3], 'reason', ARGV[4], 'detail', ARGV[5]}
for i = 1, #entry[2], 2 do
    local name, value = entry[2][i], entry[2][i + 1]
    if name == 'body' and #value > largest then
        name, value = 'dropped', tostring(#value)
        redis.call('DEL', KEYS[7])
    end
    fields[#fields + 1] = name
    fields[#fields + 1] = value
end
local member, bytes = grave(redis.call('XADD', KEYS[4], '*', unpack(fields)), fields)
redis.call('ZADD', KEYS[6], 0, member)
add('dead', bytes)
redis.call('XDEL', KEYS[2], ARGV[2])
forget_attempts(KEYS[3], ARGV[3], {ARGV[2]})

local function weigh(members)
    local sum = 0
    for _, one in ipairs(members) do sum = sum + tonumber(string.match(one, '(%d+)$')) end
    return sum
end
local repository = string.match(member, '^%d*')
local own = redis.call('ZRANGEBYLEX', KEYS[6], '[' .. repository .. '/', '(' .. repository .. '0')
local letters, held = #own, weigh(own)
for i = 1, #own - 1 do
    if letters <= own_letters and held <= own_bytes then break end
    held = held - remove(KEYS[6], KEYS[4], own[i])
    letters = letters - 1
end
end_counting(KEYS[5])
counted_bytes = {}

local letters, held = redis.call('ZCARD', KEYS[6]), tonumber(redis.call('HGET', KEYS[5], 'dead'))
if letters <= all_letters and held <= all_bytes then return end
local parts = {}
for _, one in ipairs(redis.call('ZRANGE', KEYS[6], 0, -1)) do
    local name = string.match(one, '^%d*')
    local part = parts[name] or {first = 1, bytes = 0}
    parts[name] = part
    part[#part + 1] = one
    part.bytes = part.bytes + tonumber(string.match(one, '(%d+)$'))
end
while letters > all_letters or held > all_bytes do
    local most, share = nil, -1
    for _, part in pairs(parts) do
        local of = math.max((#part - part.first + 1) / all_letters, part.bytes / all_bytes)
        if of > share then most, share = part, of end
    end
    local freed = remove(KEYS[6], KEYS[4], most[most.first])
    most.first, most.bytes = most.first + 1, most.bytes - freed
    letters, held = letters - 1, held - freed
end
end_counting(KEYS[5])
"""
)

# ARGV: the dead letter's id; where a message comes back as a delivery, that one's fields.
REDRIVE = (
    COUNTING
    + _GRAVES
    + """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local fields = {unpack(entry[2], 7)}
if #ARGV > 1 then fields = {unpack(ARGV, 2)} end
redis.call('XADD', KEYS[2], '*', unpack(fields))
count(fields, 1)
remove(KEYS[4], KEYS[1], (grave(entry[1], entry[2])))
end_counting(KEYS[3])
return 1
"""
)

DROP = (
    "#!lua flags=allow-oom\n"
    + COUNTING
    + _GRAVES
    + """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return end
remove(KEYS[3], KEYS[1], (grave(entry[1], entry[2])))
end_counting(KEYS[2])
"""
)
