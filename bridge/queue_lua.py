"""The queue's atomic steps, as Redis runs them.

Each touches keys of one partition only, so that it also runs on a Redis Cluster; ENQUEUE does if its
deliveries are of one. KEYS and ARGV are as `bridge.deliveries` passes them.
"""

REPEAT_SECONDS = 60
"""From how many seconds on an equal body is a recorded one, whatever delivery id it comes under."""

MAX_NOTED = 100
"""What a list of the newest keeps."""

# Deliveries together. KEYS: what marks each as taken, then of each partition concerned the inbox and, once a
# second, the time of the last delivery. ARGV: seconds; all short fields in MessagePack (client libraries take
# long over many arguments), with the places of those three among KEYS (0: none); each body, which Redis's
# MessagePack has no type for. Written before the id is noted: if Redis refuses either, the delivery is not
# taken for a repeat. A signature that came under another id is a repeat, too, from REPEAT seconds on: within
# one second GitHub itself may send two equal bodies.
ENQUEUE = (
    f"local REPEAT = {REPEAT_SECONDS}"
    + """
local taken, noted = {}, {[0] = true}
for i, one in ipairs(cmsgpack.unpack(ARGV[2])) do
    local signed_at = one[8] > 0 and redis.call('GET', KEYS[one[8]])
    if redis.call('EXISTS', KEYS[i]) == 1 or (signed_at and one[7] - signed_at > REPEAT) then
        taken[i] = 0
    else
        if not noted[one[2]] then
            redis.call('SET', KEYS[one[2]], one[7], 'EX', ARGV[1])
            noted[one[2]] = true
        end
        redis.call('XADD', KEYS[one[1]], '*', 'delivery_id', one[3], 'event', one[4], 'repository_id', one[5],
            'number', one[6], 'received_at', one[7], 'signer', one[9], 'body', ARGV[i + 2])
        redis.call('SET', KEYS[i], '', 'EX', ARGV[1])
        if one[8] > 0 and not signed_at then redis.call('SET', KEYS[one[8]], one[7], 'EX', ARGV[1]) end
        taken[i] = 1
    end
end
return taken
"""
)

# What drains the queue must run when Redis is full: it frees more than it takes.
_FENCED = """#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
"""

# A write is {command, key (its place among KEYS), seconds}. Lists and counts are written at the end, once for
# each key, and how long keys live is seen to there. What counts lives from its first count on.
_WRITES = (
    f"local NOTED = {MAX_NOTED}"
    + """
local living, noted, counted = {}, {}, {}
local function write(command, key, seconds, value)
    if command == 'SET' then
        redis.call('SET', key, value, 'EX', seconds)
        return
    end
    if command == 'NOTE' then
        noted[key] = noted[key] or {}
        table.insert(noted[key], value)
    elseif command == 'COUNT' then
        counted[key] = counted[key] or {seconds = seconds, fields = {}}
        counted[key].fields[value] = (counted[key].fields[value] or 0) + 1
        return
    elseif command ~= 'LIVE' then
        redis.call(command, key, value)
    end
    living[key] = seconds
end
local function write_texts(writes)
    for _, one in ipairs(writes) do write(one[1], KEYS[one[2]], one[3], one[4]) end
end
local function end_writing()
    for key, lines in pairs(noted) do
        if redis.call('LPUSH', key, unpack(lines)) > NOTED then redis.call('LTRIM', key, 0, NOTED - 1) end
    end
    for key, one in pairs(counted) do
        local is_first = false
        for field, count in pairs(one.fields) do
            is_first = redis.call('HINCRBY', key, field, count) == count or is_first
        end
        if is_first then redis.call('EXPIRE', key, one.seconds) end
    end
    for key, seconds in pairs(living) do redis.call('EXPIRE', key, seconds) end
end
local function forget_tries(key, kind, ids)
    local names = {}
    for i, id in ipairs(ids) do names[i] = kind .. ':' .. id end
    redis.call('HDEL', key, unpack(names))
end
"""
)

# Only where all entries are still there: a step that is repeated (Redis did it and went away before it could
# say so) must not count twice. ARGV: the fence; in MessagePack the entries' ids and the writes; the value of
# each write, which may be no text; the letters.
COMMIT = (
    _FENCED
    + _WRITES
    + """
local ids, writes = unpack(cmsgpack.unpack(ARGV[2]))
for _, id in ipairs(ids) do
    if #redis.call('XRANGE', KEYS[2], id, id) == 0 then return false end
end
for i, one in ipairs(writes) do write(one[1], KEYS[one[2]], one[3], ARGV[i + 2]) end
end_writing()
local letters = {}
for i = #writes + 3, #ARGV do letters[#letters + 1] = redis.call('XADD', KEYS[3], '*', 'letter', ARGV[i]) end
redis.call('XDEL', KEYS[2], unpack(ids))
forget_tries(KEYS[4], 'inbox', ids)
return letters
"""
)

# ARGV: the fence; in MessagePack each message's id and its writes, a text behind each. One that was removed
# before writes nothing more.
FINISH = (
    _FENCED
    + _WRITES
    + """
local ids = {}
for i, one in ipairs(cmsgpack.unpack(ARGV[2])) do
    if redis.call('XDEL', KEYS[2], one[1]) == 1 then write_texts(one[2]) end
    ids[i] = one[1]
end
end_writing()
forget_tries(KEYS[3], 'outbox', ids)
"""
)

NOTE_TRY = _FENCED + "redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])"

# ARGV: the fence, the entry's id and kind, how many dead letters are kept, reason, detail; the writes in
# MessagePack, a text behind each.
BURY = (
    _FENCED
    + _WRITES
    + """
local entry = redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2])[1]
if not entry then return end
write_texts(cmsgpack.unpack(ARGV[7]))
end_writing()
redis.call('XADD', KEYS[4], 'MAXLEN', ARGV[4], '*', 'kind', ARGV[3], 'reason', ARGV[5],
    'detail', ARGV[6], unpack(entry[2]))
redis.call('XDEL', KEYS[2], ARGV[2])
forget_tries(KEYS[3], ARGV[3], {ARGV[2]})
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
