-- The lists of a flow's threads that each person has, such as those where it is their turn. A thread's `places` name
-- them by person. A thread that the person marked as done or snoozed is on none of theirs but `mine`.
local function list_key(prefix, kind, flow, person) return prefix .. kind .. ':' .. flow .. ':' .. person end

local function places_of(thread) return cjson.decode(redis.call('HGET', thread, 'places') or '{}') end

local function mark_unread(prefix, flow, person, thread_id, id)
    if redis.call('HEXISTS', list_key(prefix, 'unread-counts', flow, person), thread_id) == 0 then return end
    if redis.call('ZSCORE', prefix .. 'muted:' .. person, thread_id) then return end
    redis.call('ZADD', list_key(prefix, 'unread', flow, person), id, thread_id)
end

local function add_to_lists(prefix, flow, person, thread, thread_id)
    local id = redis.call('HGET', thread, 'last')
    if not id then return end
    for _, kind in ipairs(places_of(thread)[person] or {}) do
        redis.call('ZADD', list_key(prefix, kind, flow, person), id, thread_id)
    end
    mark_unread(prefix, flow, person, thread_id, id)
end

local function remove_from_lists(prefix, flow, person, thread, thread_id)
    for _, kind in ipairs(places_of(thread)[person] or {}) do
        if kind ~= 'mine' then redis.call('ZREM', list_key(prefix, kind, flow, person), thread_id) end
    end
    redis.call('ZREM', list_key(prefix, 'unread', flow, person), thread_id)
end

-- Take a thread off all lists; what people triaged has bounds of its own.
local function forget_in_lists(prefix, flow, members, thread, thread_id)
    for person, kinds in pairs(places_of(thread)) do
        for _, kind in ipairs(kinds) do redis.call('ZREM', list_key(prefix, kind, flow, person), thread_id) end
    end
    for _, person in ipairs(members) do
        redis.call('ZREM', list_key(prefix, 'unread', flow, person), thread_id)
        redis.call('HDEL', list_key(prefix, 'unread-counts', flow, person), thread_id)
    end
end
