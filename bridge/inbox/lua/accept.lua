-- Take a message, once for each uuid, and bring its thread and its flow's lists up to date: {id, is a repeat}.
-- {0, 0}: the thread is unknown and the message brings no state for one; {-1, 0}: the flow is gone. What the
-- flow has no room for any more, the threads longest without a message, goes. Those whom it mentions, and those
-- whose turn it has become, are notified.
-- include _notify
local last_id, uuids, thread, entries, threads = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local open, messages, news, usage, flows, ending = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local notifications, notes, members = KEYS[12], KEYS[13], redis.call('SMEMBERS', KEYS[14])
local message, uuid, sent, counter = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local state, is_done, places, about = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local header, flow_id, thread_id = ARGV[9], ARGV[10], ARGV[11]
local bounds, thread_parts = cjson.decode(ARGV[12]), cjson.decode(ARGV[13])
local causes = cjson.decode(ARGV[14]) -- see `causes.py`
local prefix, actor, said = ARGV[15], ARGV[16], ARGV[17]
local OVERHEAD, AT_ONCE, NEWEST = 200, 10, 10000
-- include _desk
-- include _said
-- include _trim

-- A flow that is being deleted takes messages until its connections have ended.
if redis.call('HEXISTS', flows, flow_id) == 0 and redis.call('HEXISTS', ending, flow_id) == 0 then
    return {-1, 0}
end
if uuid ~= '' then
    local before = redis.call('ZSCORE', uuids, uuid)
    if before then return {tonumber(before), 1} end
end
local known = redis.call('EXISTS', thread) == 1
if not known and state == '' then return {0, 0} end

local id = redis.call('INCR', last_id)
local place = string.format('%.0f-0', id)
if uuid ~= '' then
    redis.call('ZADD', uuids, id, uuid)
    redis.call('ZREMRANGEBYRANK', uuids, 0, -bounds.uuids - 1)
end

local turned, id_text = {}, string.format('%.0f', id)
local function notify_turn(person)
    notify(notifications, notes, person .. ':' .. flow_id .. ':' .. thread_id, id_text, 't')
    turned[person] = true
end
if causes.passed_to then notify_turn(causes.passed_to) end

-- Drop the thread's oldest message, changed or not, but never the new one: its bytes, 0 if there is none.
local edited = thread_parts[3] .. thread_id
local function drop_oldest()
    local first = redis.call('XRANGE', entries, '-', '+', 'COUNT', 1)[1]
    local oldest, bytes = string.match(first[1], '%d+'), #first[2][2]
    for _, one in ipairs(redis.call('HKEYS', edited)) do
        if tonumber(one) < tonumber(oldest) then oldest, bytes = one, redis.call('HSTRLEN', edited, one) end
    end
    if tonumber(oldest) == id then return 0 end
    redis.call('XDEL', entries, oldest .. '-0')
    redis.call('HDEL', edited, oldest)
    return bytes + OVERHEAD
end

local added = #message + OVERHEAD
redis.call('XADD', entries, place, 'm', message)
if redis.call('XLEN', entries) + redis.call('HLEN', edited) > bounds.thread_messages then
    added = added - drop_oldest()
end
if not known then
    for name, value in pairs(cjson.decode(header)) do redis.call('HSET', thread, name, value) end
    redis.call('HSET', thread, 'first', id, 'done', '0')
    added = added + OVERHEAD + #header
end
if state ~= '' then
    added = added + #state - redis.call('HSTRLEN', thread, 'state')
    local before = ' ' .. (redis.call('HGET', thread, 'turn') or '') .. ' '
    for one, person in string.gmatch(causes.turn, '((%d+)@%d*)') do
        local is_new = not string.find(before, ' ' .. one .. ' ', 1, true)
        if is_new and person ~= causes.sender then notify_turn(person) end
    end
    redis.call('HSET', thread, 'state', state, 'done', is_done, 'turn', causes.turn)
end
for _, person in ipairs(causes.mentioned) do
    if not turned[person] then
        notify_mention(notifications, notes, causes.mentions, person, flow_id, thread_id, id_text)
    end
end
if about ~= '' then
    added = added + #about - redis.call('HSTRLEN', thread, 'about')
    redis.call('HSET', thread, 'about', about)
end
local said_before = redis.call('HGET', thread, 'said') or ''
said = newest_lines(said_before .. said)
added = added + #said - #said_before
redis.call('HSET', thread, 'said', said)
redis.call('HINCRBY', thread, counter, 1)
added = added + #message - redis.call('HSTRLEN', thread, 'newest')
redis.call('HSET', thread, 'last', id, 'sent', sent, 'newest', message)
redis.call('HINCRBY', thread, 'bytes', added)
redis.call('HINCRBY', usage, 'bytes', added)

redis.call('ZADD', threads, id, thread_id)
if redis.call('HGET', thread, 'done') == '1' then
    redis.call('ZREM', open, thread_id)
else
    redis.call('ZADD', open, id, thread_id)
end
if state == '' or redis.call('HGET', thread, 'placed') == places and redis.call('HEXISTS', thread, 'passed') == 1 then
    bring_to_desks(prefix, flow_id, thread, thread_id, places_of(thread), id, actor, sent)
else
    bring_to_desks(prefix, flow_id, thread, thread_id, cjson.decode(places), id, actor, sent)
    redis.call('HSET', thread, 'placed', places, 'places', places)
    redis.call('HDEL', thread, 'passed')
end
for _, person in ipairs(members) do
    if person == actor then
        redis.call('ZADD', desk(prefix, 'unread', flow_id, person), 'XX', id, thread_id)
    elseif not redis.call('ZSCORE', prefix .. 'muted:' .. person, thread_id) then
        local is_back = comes_back(prefix, flow_id, person, thread_id, sent)
        redis.call('HINCRBY', desk(prefix, 'unread-counts', flow_id, person), thread_id, 1)
        if is_back then mark_unread(prefix, flow_id, person, thread_id, id) end
    end
end
redis.call('XADD', messages, 'MAXLEN', '~', bounds.threads * 10, place, 't', thread_id)
redis.call('XADD', news, 'MAXLEN', '~', NEWEST, place, 'f', flow_id, 't', thread_id)
trim(thread_id, AT_ONCE)
for _ = 1, AT_ONCE do -- A thread that is alone makes room itself.
    local is_over = tonumber(redis.call('HGET', usage, 'bytes')) > bounds.size
    local freed = is_over and redis.call('ZCARD', threads) == 1 and drop_oldest() or 0
    if freed == 0 then break end
    redis.call('HINCRBY', thread, 'bytes', -freed)
    redis.call('HINCRBY', usage, 'bytes', -freed)
end
return {id, 0}
