#!lua flags=no-writes
-- The connections of several repositories: of each the values found, and the ids of those found by its name.
-- KEYS: of each repository the set of its connections by its id, and of those by its name.
local connection_prefix = ARGV[1] -- of keys with the same hash tag
local all = {}
for i = 1, #KEYS, 2 do
    local by_id, by_name = redis.call('SMEMBERS', KEYS[i]), redis.call('SMEMBERS', KEYS[i + 1])
    local found = {}
    for _, ids in ipairs({by_id, by_name}) do
        for _, id in ipairs(ids) do
            local connection = redis.call('GET', connection_prefix .. id)
            if connection then found[#found + 1] = connection end
        end
    end
    all[#all + 1] = {found, by_name}
end
return all
