"""The queue's atomic steps, as Redis runs them.

Each touches keys of one partition only, so that it also runs on a Redis Cluster; ENQUEUE does if its
deliveries are of one. KEYS and ARGV are as `bridge.queue.delivery_queue` passes them.
"""

REPEAT_SECONDS = 60
"""From how many seconds on an equal body is a recorded one, whatever delivery id it comes under."""

MAX_NOTED = 100
"""What a list of the newest keeps."""

KEPT_ENTRY_BYTES = 300
"""What a snapshot and the like counts for besides its own bytes."""

ENTRY_BYTES = 1024
"""What an entry counts for besides its payload: the rest of it, its mark as taken, what was tried in vain."""

# Deliveries together. KEYS: what marks each as taken, then of each partition concerned the inbox, the bytes
# that wait, how many came today and, once a second, the time of the last delivery; where it is signed, what
# remembers the signature. ARGV: seconds; all short fields in MessagePack (client libraries take long over
# many arguments), with the places of those among KEYS (0: none); how many bytes a repository may have
# waiting, and how many deliveries a day (0: any); each body, which Redis's MessagePack has no type for. If
# Redis refuses the entry, the id is forgotten again: the delivery is no repeat when it comes once more. A
# signature that came under another id is a repeat, too, from REPEAT seconds on: within one second GitHub
# itself may send two equal bodies. A refused one writes nothing. Answers as `bridge.queue.entries.Answer`.
ENQUEUE = (
    f"local ENTRY, REPEAT = {ENTRY_BYTES}, {REPEAT_SECONDS}"
    + """
local taken, noted, holders = {}, {[0] = true}, {}
local room, a_day = tonumber(ARGV[3]), tonumber(ARGV[4])
-- The id that the signature came with first; false: with this one.
local function first_signed(place, id)
    return place > 0 and redis.call('SET', KEYS[place], id, 'NX', 'GET', 'EX', ARGV[1])
end
local function is_repeat(place, first, id)
    return first and first ~= id and ARGV[1] - redis.call('TTL', KEYS[place]) > REPEAT
end
local function holder(place, repository, day)
    local of = holders[place] or {}
    holders[place] = of
    if not of[repository] then
        local held, today = redis.call('HGET', KEYS[place], repository), redis.call('HGET', day, repository)
        of[repository] = {held = held or 0, added = 0, today = today or 0, taken = 0, day = day}
    end
    return of[repository]
end
local function count()
    for place, of in pairs(holders) do
        local all = 0
        for repository, one in pairs(of) do
            if one.taken > 0 then
                redis.call('HINCRBY', KEYS[place], repository, one.added)
                redis.call('HINCRBY', one.day, repository, one.taken)
                if tonumber(one.today) == 0 then redis.call('EXPIRE', one.day, ARGV[1]) end
                all = all + one.added
            end
        end
        if all > 0 then redis.call('HINCRBY', KEYS[place], 'all', all) end
    end
end
local function refusal(of, size)
    if room > 0 and of.held + of.added + size > room then return 2 end
    if a_day > 0 and of.today + of.taken >= a_day then return 4 end
end
local function append(i, one)
    if not noted[one[2]] then
        redis.call('SET', KEYS[one[2]], one[7], 'EX', ARGV[1])
        noted[one[2]] = true
    end
    return redis.pcall('XADD', KEYS[one[1]], '*', 'delivery_id', one[3], 'event', one[4],
        'repository_id', one[5], 'number', one[6], 'received_at', one[7], 'signer', one[9],
        'body', ARGV[i + 4])
end
for i, one in ipairs(cmsgpack.unpack(ARGV[2])) do
    local of, size = holder(one[10], one[5], KEYS[one[11]]), #ARGV[i + 4] + ENTRY
    local refused = refusal(of, size)
    if refused then
        taken[i] = redis.call('EXISTS', KEYS[i]) == 1 and 0 or refused
    elseif not redis.call('SET', KEYS[i], '', 'NX', 'EX', ARGV[1]) then
        taken[i] = 0
    else
        local first = first_signed(one[8], one[3])
        if is_repeat(one[8], first, one[3]) then
            taken[i] = 0
        else
            local added = append(i, one)
            if added.err then
                -- What is not taken is no repeat when it comes again; those before it are taken, and stay so.
                redis.call('DEL', KEYS[i])
                if one[8] > 0 and not first then redis.call('DEL', KEYS[one[8]]) end
                count()
                return added
            end
            of.added, of.taken = of.added + size, of.taken + 1
            taken[i] = 1
        end
    end
end
count()
return taken
"""
)

# What drains the queue must run when Redis is full: it frees more than it takes.
FENCED = """#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
"""

# What an entry weighs, and whose it is; what is added or taken away is written at the end, to the hash of
# what waits. An entry that names no repository is another version's, and was not counted.
COUNTING = (
    f"local ENTRY = {ENTRY_BYTES}"
    + """
local WEIGHED = {body = true, message = true, reason = true, detail = true}
local function measure(fields)
    local repository, bytes = nil, ENTRY
    for i = 1, #fields, 2 do
        if fields[i] == 'repository_id' then repository = fields[i + 1] end
        if WEIGHED[fields[i]] then bytes = bytes + #fields[i + 1] end
    end
    return repository, bytes
end
local counted_bytes = {}
local function add(name, bytes)
    counted_bytes[name] = (counted_bytes[name] or 0) + bytes
end
local function count(fields, sign)
    local repository, bytes = measure(fields)
    if repository then
        add(repository, sign * bytes)
        add('all', sign * bytes)
    end
end
local function end_counting(key)
    for name, bytes in pairs(counted_bytes) do
        if bytes ~= 0 and redis.call('HINCRBY', key, name, bytes) <= 0 then redis.call('HDEL', key, name) end
    end
end
"""
)

# A write is {command, key (its place among KEYS), seconds}. Lists and counts are written at the end, once for
# each key, and how long keys live is seen to there. What counts lives from its first count on.
WRITES = (
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
local function forget_attempts(key, kind, ids)
    local names = {}
    for i, id in ipairs(ids) do names[i] = kind .. ':' .. id end
    redis.call('HDEL', key, unpack(names))
end
"""
)

# Lists of what is kept of a repository, each of one lifetime, the oldest first: a score is the second of the
# last write and, in its lowest 20 bits, the size, so that the sum holds also where a key has run out. Beyond
# the budget the oldest go, a snapshot with what lies beside it: keys of the same partition, not among KEYS.
_KEEPING = (
    f"local KEPT_ENTRY = {KEPT_ENTRY_BYTES}"
    + """
local kept = {}
local function keep(list, seconds, name, size)
    kept[list] = kept[list] or {seconds = seconds, sizes = {}}
    kept[list].sizes[string.match(name, '}:(.+)$')] = size + KEPT_ENTRY
end
local function forget(list, member)
    local before = string.match(list, '^bridge:{%d+}:')
    redis.call('DEL', before .. member)
    local repository, number = string.match(member, '^snapshot:(%d+):(%d+)$')
    if number then
        redis.call('DEL', before .. 'shown:' .. repository .. ':' .. number)
        redis.call('SREM', before .. 'open:' .. repository .. ':', number)
    end
end
local function end_keeping(most)
    local second = nil
    for list, one in pairs(kept) do
        second = second or tonumber(redis.call('TIME')[1])
        local grown = 0
        for member, size in pairs(one.sizes) do
            grown = grown + size - (redis.call('ZSCORE', list, member) or 0) % 1048576
            redis.call('ZADD', list, second * 1048576 + size, member)
        end
        local sum = list .. ':bytes'
        local bytes = redis.call('INCRBY', sum, grown)
        while most > 0 and bytes > most and redis.call('ZCARD', list) > 1 do
            local oldest = redis.call('ZPOPMIN', list)
            forget(list, oldest[1])
            bytes = redis.call('DECRBY', sum, oldest[2] % 1048576)
        end
        redis.call('EXPIRE', list, one.seconds)
        redis.call('EXPIRE', sum, one.seconds)
    end
end
"""
)

# Only where all entries are still there: a step that is repeated (Redis did it and went away before it could
# say so) must not count twice; and nothing is done where a repository's messages would take far more room
# than its deliveries may. ARGV: the fence; in MessagePack the entries' ids, the writes, whose each message is
# and how many bytes are kept of a repository, and may wait (0: any); the value of each write, which may be no
# text; the messages.
COMMIT = (
    FENCED
    + COUNTING
    + WRITES
    + _KEEPING
    + """
local ids, writes, whose, bounds = unpack(cmsgpack.unpack(ARGV[2]))
for _, id in ipairs(ids) do
    local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
    if not entry then return false end
    count(entry[2], -1)
end
local messages = {}
for i, repository in ipairs(whose) do
    messages[i] = {'repository_id', repository, 'message', ARGV[#writes + 2 + i]}
    count(messages[i], 1)
end
for name, bytes in pairs(counted_bytes) do
    if bytes > 0 and name ~= 'all' and bounds[2] > 0
        and (redis.call('HGET', KEYS[5], name) or 0) + bytes > bounds[2] then
        return redis.error_reply('FULL')
    end
end
for i, one in ipairs(writes) do
    local name, value = KEYS[one[2]], ARGV[i + 2]
    write(one[1], name, one[3], value)
    if one[4] > 0 then keep(KEYS[one[4]], one[3], name, one[1] == 'SET' and #value or 0) end
end
end_writing()
end_keeping(bounds[1])
for i, fields in ipairs(messages) do messages[i] = redis.call('XADD', KEYS[3], '*', unpack(fields)) end
redis.call('XDEL', KEYS[2], unpack(ids))
end_counting(KEYS[5])
forget_attempts(KEYS[4], 'inbox', ids)
return messages
"""
)

# ARGV: the fence; in MessagePack each message's id and its writes, a text behind each. One that was removed
# before writes nothing more.
ACK = (
    FENCED
    + COUNTING
    + WRITES
    + """
local ids = {}
for i, one in ipairs(cmsgpack.unpack(ARGV[2])) do
    local entry = redis.call('XRANGE', KEYS[2], one[1], one[1])[1]
    if entry then
        redis.call('XDEL', KEYS[2], one[1])
        count(entry[2], -1)
        write_texts(one[2])
    end
    ids[i] = one[1]
end
end_writing()
end_counting(KEYS[4])
forget_attempts(KEYS[3], 'outbox', ids)
"""
)

RECORD_ATTEMPT = FENCED + "redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])"
