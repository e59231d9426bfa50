-- A person's desk: what a flow's threads are to them. A thread's `places` say so, person by person; what
-- somebody put on a shelf is not on their desk.
local function desk(prefix, kind, flow, person) return prefix .. kind .. ':' .. flow .. ':' .. person end

local function places_of(thread) return cjson.decode(redis.call('HGET', thread, 'places') or '{}') end

local function mark_unread(prefix, flow, person, thread_id, id)
    if redis.call('HEXISTS', desk(prefix, 'unread-counts', flow, person), thread_id) == 0 then return end
    if redis.call('ZSCORE', prefix .. 'muted:' .. person, thread_id) then return end
    redis.call('ZADD', desk(prefix, 'unread', flow, person), id, thread_id)
end

local function put_on_desk(prefix, flow, person, thread, thread_id)
    local id = redis.call('HGET', thread, 'last')
    if not id then return end
    for _, kind in ipairs(places_of(thread)[person] or {}) do
        redis.call('ZADD', desk(prefix, kind, flow, person), id, thread_id)
    end
    mark_unread(prefix, flow, person, thread_id, id)
end

local function clear_desk(prefix, flow, person, thread, thread_id)
    for _, kind in ipairs(places_of(thread)[person] or {}) do
        if kind ~= 'mine' then redis.call('ZREM', desk(prefix, kind, flow, person), thread_id) end
    end
    redis.call('ZREM', desk(prefix, 'unread', flow, person), thread_id)
end

-- Forget a thread on all desks; the shelves of people are bounded by themselves.
local function leave_desks(prefix, flow, members, thread, thread_id)
    for person, kinds in pairs(places_of(thread)) do
        for _, kind in ipairs(kinds) do redis.call('ZREM', desk(prefix, kind, flow, person), thread_id) end
    end
    for _, person in ipairs(members) do
        redis.call('ZREM', desk(prefix, 'unread', flow, person), thread_id)
        redis.call('HDEL', desk(prefix, 'unread-counts', flow, person), thread_id)
    end
end
