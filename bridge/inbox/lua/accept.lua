-- Take a flow's messages in order, each uuid once, and update their threads and the flow's lists. Returns {id, is a
-- repeat} for each message: {0, 0} if it brings no state for an unknown thread, {-1, 0} if the flow is gone. Over the
-- flow's bounds, the threads longest without a message make room. People whom a message mentions, and people whose
-- turn it has become, are notified.
--
-- After the arguments named here come those of each message, as `accept` names them.
-- include _notify
local last_id, uuids, threads, open, messages = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local news, usage, flows, ending = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local notifications, notes, members = KEYS[10], KEYS[11], redis.call('SMEMBERS', KEYS[12])
local flow_id, bounds, thread_parts = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local prefix, mentions = ARGV[4], ARGV[5]
local NAMED, OF_EACH = 5, 16
local OVERHEAD, AT_ONCE, NEWEST = 200, 10, 10000

local thread_ids, sent_uuids = {}, {}
for at = NAMED + 1, #ARGV, OF_EACH do
    thread_ids[#thread_ids + 1], sent_uuids[#sent_uuids + 1] = ARGV[at], ARGV[at + 1]
end
-- include _update_lists
-- include _said
-- include _trim

local FIELDS = {'first', 'bytes', 'done', 'state', 'about', 'said', 'newest', 'turn', 'placed', 'places', 'passed',
    'activities', 'discussions', 'comments'}
local id, newest_id, used, last_thread, unread = nil, nil, 0, '', {}
local taken = {} -- by uuid
for at, score in ipairs(redis.call('ZMSCORE', uuids, unpack(sent_uuids))) do
    taken[sent_uuids[at]] = score and tonumber(score) or nil
end
local decoded = {}
local function decode(json)
    decoded[json] = decoded[json] or cjson.decode(json)
    return decoded[json]
end

-- Drop a thread's oldest message, changed or not, but never the new one: its bytes, 0 if there is none.
local function drop_oldest(thread_id)
    local entries, edited = thread_parts[2] .. thread_id, thread_parts[3] .. thread_id
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

-- Notify those whose turn it has become, and those mentioned.
local function notify_all(thread_id, turn_was, turn, mentioned, passed_to, actor)
    local turned, id_text = {}, string.format('%.0f', id)
    local function notify_turn(person)
        notify(notifications, notes, person .. ':' .. flow_id .. ':' .. thread_id, id_text, 't')
        turned[person] = true
    end
    if passed_to ~= '' then notify_turn(passed_to) end
    for one, person in string.gmatch(turn, '((%d+)@%d*)') do
        local is_new = not string.find(' ' .. turn_was .. ' ', ' ' .. one .. ' ', 1, true)
        if is_new and person ~= actor then notify_turn(person) end
    end
    for person in string.gmatch(mentioned, '%d+') do
        if not turned[person] then
            notify_mention(notifications, notes, mentions, person, flow_id, thread_id, id_text)
        end
    end
end

local function mark_unread_for_members(thread_id, actor, sent)
    for _, person in ipairs(members) do
        local key = list_of('unread', person)
        if person == actor then
            put(moved, key, id, thread_id)
        elseif not is_muted(person, thread_id) then
            if comes_back(person, thread_id, sent) then put(added, key, id, thread_id) end
            unread[person] = unread[person] or {}
            unread[person][thread_id] = (unread[person][thread_id] or 0) + 1
        end
    end
end
local function count_unread()
    for person, of in pairs(unread) do
        local key, names, counts = list_of('unread-counts', person), {}, {}
        for thread_id in pairs(of) do names[#names + 1] = thread_id end
        for at, count in ipairs(redis.call('HMGET', key, unpack(names))) do
            counts[#counts + 1], counts[#counts + 2] = names[at], (count or 0) + of[names[at]]
        end
        redis.call('HSET', key, unpack(counts))
    end
end

local function accept(thread_id, uuid, message, sent, counter, state, is_done, lists, about, external_id, source,
    turn, mentioned, passed_to, actor, said)
    if taken[uuid] then return {taken[uuid], 1} end
    local thread, entries = thread_parts[1] .. thread_id, thread_parts[2] .. thread_id
    local first, bytes, done, state_was, about_was, said_was, newest_was, turn_was, placed, lists_was, passed,
        activities, discussions, comments = unpack(redis.call('HMGET', thread, unpack(FIELDS)))
    if not first and state == '' then return {0, 0} end

    newest_id = newest_id or redis.call('INCRBY', last_id, #thread_ids)
    id = id and id + 1 or newest_id - #thread_ids + 1
    last_thread, sent = thread_id, tonumber(sent)
    local place = string.format('%.0f-0', id)
    local counts = {activities = activities or 0, discussions = discussions or 0, comments = comments or 0}
    if uuid ~= '' then
        taken[uuid] = id
        put(added, uuids, id, uuid)
    end

    local grown, fields = #message + OVERHEAD, {'last', id, 'sent', sent, counter, counts[counter] + 1}
    local function set(name, value, was)
        if value ~= was then fields[#fields + 1], fields[#fields + 2] = name, value end
    end
    local function hold(name, value, was)
        set(name, value, was)
        grown = grown + #value - #(was or '')
    end
    if not first then
        local header = {first = id, flow = flow_id, external_id = external_id, source = source}
        for name, value in pairs(header) do set(name, value) end
        grown = grown + OVERHEAD + #external_id
    end
    redis.call('XADD', entries, place, 'm', message)
    if counts.activities + counts.discussions + counts.comments >= bounds.thread_messages
        and redis.call('XLEN', entries) + redis.call('HLEN', thread_parts[3] .. thread_id) > bounds.thread_messages then
        grown = grown - drop_oldest(thread_id)
    end
    if turn ~= (turn_was or '') or mentioned ~= '' or passed_to ~= '' then
        notify_all(thread_id, turn_was or '', turn, mentioned, passed_to, actor)
    end
    if state ~= '' then
        hold('state', state, state_was)
        hold('about', about, about_was)
        set('done', is_done, done)
        set('turn', turn, turn_was)
        if is_done == '1' and done == '0' then remove(open, thread_id) end
        done = is_done
    end
    hold('newest', message, newest_was)
    hold('said', newest_lines((said_was or '') .. said), said_was)

    put(added, threads, id, thread_id)
    if done == '0' then put(added, open, id, thread_id) end
    local old = decode(lists_was or '{}')
    if state == '' or placed == lists and passed then
        update_lists(thread_id, old, old, id, actor, sent)
    else
        update_lists(thread_id, old, decode(lists), id, actor, sent)
        set('placed', lists, placed)
        set('places', lists, lists_was)
        if passed then redis.call('HDEL', thread, 'passed') end
    end
    mark_unread_for_members(thread_id, actor, sent)
    set('bytes', (bytes or 0) + grown)
    redis.call('HSET', thread, unpack(fields))
    redis.call('XADD', messages, 'MAXLEN', '~', bounds.threads * 10, place, 't', thread_id)
    used = used + grown
    return {id, 0}
end

-- A flow that is being deleted takes messages until its connections have ended.
local is_gone = redis.call('HEXISTS', flows, flow_id) == 0 and redis.call('HEXISTS', ending, flow_id) == 0
local answers = {}
for at = NAMED + 1, #ARGV, OF_EACH do
    answers[#answers + 1] = is_gone and {-1, 0} or accept(unpack(ARGV, at, at + OF_EACH - 1))
end
if not id then return answers end

if id < newest_id then redis.call('DECRBY', last_id, newest_id - id) end
write_all()
count_unread()
redis.call('ZREMRANGEBYRANK', uuids, 0, -bounds.uuids - 1)
redis.call('XADD', news, 'MAXLEN', '~', NEWEST, string.format('%.0f-0', id), 'f', flow_id)
local most = AT_ONCE * #answers
if redis.call('HINCRBY', usage, 'bytes', used) > bounds.size or redis.call('ZCARD', threads) > bounds.threads then
    trim(last_thread, most)
    for _ = 1, most do -- A thread that is alone makes room itself.
        local is_over = tonumber(redis.call('HGET', usage, 'bytes')) > bounds.size
        local freed = is_over and redis.call('ZCARD', threads) == 1 and drop_oldest(last_thread) or 0
        if freed == 0 then break end
        redis.call('HINCRBY', thread_parts[1] .. last_thread, 'bytes', -freed)
        redis.call('HINCRBY', usage, 'bytes', -freed)
    end
end
return answers
