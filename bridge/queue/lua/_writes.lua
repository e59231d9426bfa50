-- Do what `bridge.storage.writes.Write` says. Lists and counts are written at the end, once for each key, and
-- lifetimes are set there. A count's lifetime begins with its first.
local LISTED = 100 -- what a list of the newest keeps
local lifetimes, lists, counters = {}, {}, {}
local function write(command, key, seconds, value)
    if command == 'SET' then
        redis.call('SET', key, value, 'EX', seconds)
        return
    end
    if command == 'BESIDE' then
        local snapshot = string.gsub(key, ':shown:', ':snapshot:')
        if redis.call('EXISTS', snapshot) == 1 then redis.call('SET', key, value, 'EX', seconds) end
        return
    end
    if command == 'DEL' then
        redis.call('DEL', key)
        return
    end
    if command == 'NOTE' then
        lists[key] = lists[key] or {}
        table.insert(lists[key], value)
    elseif command == 'COUNT' then
        counters[key] = counters[key] or {seconds = seconds, fields = {}}
        counters[key].fields[value] = (counters[key].fields[value] or 0) + 1
        return
    elseif command ~= 'LIVE' then
        redis.call(command, key, value)
    end
    lifetimes[key] = seconds
end
local function write_texts(rows)
    for _, row in ipairs(rows) do
        local command, place, seconds, text = unpack(row)
        write(command, KEYS[place], seconds, text)
    end
end
local function end_writing()
    for key, lines in pairs(lists) do
        if redis.call('LPUSH', key, unpack(lines)) > LISTED then redis.call('LTRIM', key, 0, LISTED - 1) end
    end
    for key, counter in pairs(counters) do
        local is_first = false
        for field, number in pairs(counter.fields) do
            is_first = redis.call('HINCRBY', key, field, number) == number or is_first
        end
        if is_first then redis.call('EXPIRE', key, counter.seconds) end
    end
    for key, seconds in pairs(lifetimes) do redis.call('EXPIRE', key, seconds) end
end
