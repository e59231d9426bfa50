-- A person's desk: what a flow's threads are to them. A thread's `places` say so, person by person; what
-- somebody put on a shelf is not on their desk.
local function desk(prefix, kind, flow, person) return prefix .. kind .. ':' .. flow .. ':' .. person end

local function places_of(thread) return cjson.decode(redis.call('HGET', thread, 'places') or '{}') end

-- Tell whether a person may see a thread on their desk, and take it off their shelves if so.
local function comes_back(prefix, flow, person, thread_id, now)
    local snoozed = prefix .. 'snoozed:' .. person
    local till = redis.call('ZSCORE', snoozed, thread_id)
    if till and till ~= 'inf' and tonumber(till) > now then return false end
    redis.call('ZREM', snoozed, thread_id)
    if redis.call('ZREM', prefix .. 'done:' .. person, thread_id) == 1 then
        redis.call('HDEL', desk(prefix, 'unread-counts', flow, person), thread_id)
    end
    return true
end

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

-- Bring the desks of all whom a thread names up to date: `actor` did it, and is not called back by it.
local function bring_to_desks(prefix, flow, thread, thread_id, new, id, actor, now)
    local old = places_of(thread)
    local function is_in(places, person, kind)
        for _, one in ipairs(places[person] or {}) do if one == kind then return true end end
        return false
    end
    for person, kinds in pairs(old) do
        for _, kind in ipairs(kinds) do
            if not is_in(new, person, kind) then redis.call('ZREM', desk(prefix, kind, flow, person), thread_id) end
        end
    end
    for person, kinds in pairs(new) do
        for _, kind in ipairs(kinds) do
            local key = desk(prefix, kind, flow, person)
            if person == actor and is_in(old, person, kind) then
                redis.call('ZADD', key, 'XX', id, thread_id)
            elseif kind == 'mine' or comes_back(prefix, flow, person, thread_id, now) then
                redis.call('ZADD', key, id, thread_id)
            end
        end
    end
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
