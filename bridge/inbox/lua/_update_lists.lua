-- Update people's lists for the threads of all messages together, so that each sorted set is written once.
-- Needs `prefix`, `flow_id` and `thread_ids`, the threads that this may be about.
-- include _lists
local added, moved = {}, {} -- by key: ids and threads, to write where they are new too, or only where they are
local function put(waiting, key, id, thread_id)
    local list = waiting[key] or {}
    waiting[key] = list
    list[#list + 1], list[#list + 2] = id, thread_id
end
local function write(key)
    if added[key] then redis.call('ZADD', key, unpack(added[key])) end
    if moved[key] then redis.call('ZADD', key, 'XX', 'GT', unpack(moved[key])) end
    added[key], moved[key] = nil, nil
end
local function write_all()
    for key in pairs(added) do write(key) end
    for key in pairs(moved) do write(key) end
end
local function remove(key, thread_id)
    write(key)
    redis.call('ZREM', key, thread_id)
end

local lists_of = {}
local function list_of(kind, person)
    local of_person = lists_of[person] or {}
    lists_of[person] = of_person
    of_person[kind] = of_person[kind] or list_key(prefix, kind, flow_id, person)
    return of_person[kind]
end

local position, triage = {}, {}
for at, thread_id in ipairs(thread_ids) do position[thread_id] = at end
local function triage_of(person)
    if not triage[person] then
        triage[person] = {}
        for _, kind in ipairs({'muted', 'snoozed', 'done'}) do
            triage[person][kind] = redis.call('ZMSCORE', prefix .. kind .. ':' .. person, unpack(thread_ids))
        end
    end
    return triage[person]
end
local function is_muted(person, thread_id) return triage_of(person).muted[position[thread_id]] end

-- Tell whether a thread returns to a person's lists; if so, it is no longer done or snoozed.
local function comes_back(person, thread_id, now)
    local on, at = triage_of(person), position[thread_id]
    local till = on.snoozed[at]
    if till and till ~= 'inf' and tonumber(till) > now then return false end
    if till then redis.call('ZREM', prefix .. 'snoozed:' .. person, thread_id) end
    if on.done[at] then
        redis.call('ZREM', prefix .. 'done:' .. person, thread_id)
        redis.call('HDEL', list_of('unread-counts', person), thread_id)
    end
    on.snoozed[at], on.done[at] = false, false
    return true
end

local function is_in(lists, person, kind)
    for _, one in ipairs(lists[person] or {}) do if one == kind then return true end end
    return false
end

-- Move a thread from its `old` lists to the `new` ones. It does not return to `actor`, whose own doing this is.
local function update_lists(thread_id, old, new, id, actor, now)
    if old ~= new then
        for person, kinds in pairs(old) do
            for _, kind in ipairs(kinds) do
                if not is_in(new, person, kind) then remove(list_of(kind, person), thread_id) end
            end
        end
    end
    for person, kinds in pairs(new) do
        for _, kind in ipairs(kinds) do
            if person == actor and is_in(old, person, kind) then
                put(moved, list_of(kind, person), id, thread_id)
            elseif kind == 'mine' or comes_back(person, thread_id, now) then
                put(added, list_of(kind, person), id, thread_id)
            end
        end
    end
end
