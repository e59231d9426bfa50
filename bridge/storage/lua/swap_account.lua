#!lua flags=allow-oom
-- Replace a linked account, or remove it, with its places in the indexes; the one that was there before. Its
-- places are cleared by its own words.
local account, linked = KEYS[1], KEYS[2]
local id_prefix, login_prefix = ARGV[1], ARGV[2] -- of the indexes' keys, which have the same hash tag
local user, value, github_id, login = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local function indexes(id, name) return {id_prefix .. id, login_prefix .. string.lower(name)} end
local old = redis.call('GET', account)
if old then
    local github = cjson.decode(old).github
    for _, index in ipairs(indexes(string.format('%.0f', github.id), github.login)) do
        redis.call('SREM', index, user)
    end
end
if value then
    redis.call('SET', account, value)
    redis.call('HSET', linked, user, login)
    for _, index in ipairs(indexes(github_id, login)) do redis.call('SADD', index, user) end
else
    redis.call('DEL', account)
    redis.call('HDEL', linked, user)
end
return old
