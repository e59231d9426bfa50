"""The queue's atomic steps, as Redis runs them.

Each touches keys of one partition only, so that it also runs on a Redis Cluster; ENQUEUE does if its
deliveries are of one. KEYS and ARGV are as `bridge.deliveries` passes them.
"""

MAX_NOTED = 100
"""What a list of the newest keeps."""

# Deliveries together. KEYS: what marks each as taken, then the inbox and the time of the last delivery of
# each partition concerned. ARGV: seconds; all short fields in MessagePack (client libraries take long over
# many arguments); each body, which Redis's MessagePack has no type for. Written before the id is noted: if
# Redis refuses either, the delivery is not taken for a repeat.
ENQUEUE = """
local group, taken, noted = cmsgpack.unpack(ARGV[2]), {}, {}
for i, one in ipairs(group) do
    local inbox, received = KEYS[#group + 2 * one[1] + 1], KEYS[#group + 2 * one[1] + 2]
    if redis.call('EXISTS', KEYS[i]) == 1 then
        taken[i] = 0
    else
        if not noted[received] then
            redis.call('SET', received, one[6], 'EX', ARGV[1])
            noted[received] = true
        end
        redis.call('XADD', inbox, '*', 'delivery_id', one[2], 'event', one[3], 'repository_id', one[4],
            'number', one[5], 'received_at', one[6], 'body', ARGV[i + 2])
        redis.call('SET', KEYS[i], '', 'EX', ARGV[1])
        taken[i] = 1
    end
end
return taken
"""

# What drains the queue must run when Redis is full: it frees more than it takes.
_FENCED = """#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
"""

# Only where the entry is still there: a step that is repeated (Redis did it and went away before it could
# say so) must not count twice. ARGV from 3 on: how many writes, then command, value and seconds of each;
# their keys are the last.
_WRITES = (
    f"local NOTED = {MAX_NOTED}"
    + """
local function write_all(first_key)
    local at = 4
    for key = first_key, first_key + tonumber(ARGV[3]) - 1 do
        local command, value = ARGV[at], ARGV[at + 1]
        if command == 'NOTE' then
            redis.call('LPUSH', KEYS[key], value)
            redis.call('LTRIM', KEYS[key], 0, NOTED - 1)
        elseif command == 'COUNT' then
            redis.call('HINCRBY', KEYS[key], value, 1)
        else
            redis.call(command, KEYS[key], value)
        end
        redis.call('EXPIRE', KEYS[key], ARGV[at + 2])
        at = at + 3
    end
    return at
end
"""
)

COMMIT = (
    _FENCED
    + _WRITES
    + """
if #redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2]) == 0 then return false end
local ids = {}
for i = write_all(5), #ARGV do ids[#ids + 1] = redis.call('XADD', KEYS[3], '*', 'letter', ARGV[i]) end
redis.call('XDEL', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[4], 'inbox:' .. ARGV[2])
return ids
"""
)

FINISH = (
    _FENCED
    + _WRITES
    + """
if redis.call('XDEL', KEYS[2], ARGV[2]) == 1 then write_all(4) end
redis.call('HDEL', KEYS[3], 'outbox:' .. ARGV[2])
"""
)

NOTE_TRY = _FENCED + "redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])"

BURY = (
    _FENCED
    + _WRITES
    + """
local entry = redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2])[1]
if not entry then return end
local rest = write_all(5)
redis.call('XADD', KEYS[4], 'MAXLEN', ARGV[rest + 1], '*', 'kind', ARGV[rest], 'reason', ARGV[rest + 2],
    'detail', ARGV[rest + 3], unpack(entry[2]))
redis.call('XDEL', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[3], ARGV[rest] .. ':' .. ARGV[2])
"""
)

REVIVE = """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
if #ARGV > 1 then
    redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
else
    redis.call('XADD', KEYS[2], '*', unpack(entry[2], 7))
end
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
"""
