-- Count bytes by repository, in the backlog's hash. An entry that names no repository is another version's,
-- and was not counted.
-- include _entry_bytes
local COUNTED = {body = true, message = true, reason = true, detail = true}
local changes = {}
local function measure(fields)
    local repository, bytes = nil, ENTRY_BYTES
    for i = 1, #fields, 2 do
        if fields[i] == 'repository_id' then repository = fields[i + 1] end
        if COUNTED[fields[i]] then bytes = bytes + #fields[i + 1] end
    end
    return repository, bytes
end
local function add(name, bytes) changes[name] = (changes[name] or 0) + bytes end
local function count(fields, sign)
    local repository, bytes = measure(fields)
    if repository then
        add(repository, sign * bytes)
        add('all', sign * bytes)
    end
end
local function end_counting(backlog)
    for name, bytes in pairs(changes) do
        if bytes ~= 0 and redis.call('HINCRBY', backlog, name, bytes) <= 0 then redis.call('HDEL', backlog, name) end
    end
    changes = {}
end
