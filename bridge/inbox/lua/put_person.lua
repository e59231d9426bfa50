#!lua flags=allow-oom
-- Add a person, or follow their new nick, name and picture. Whoever had the nick before has it no longer: GitHub
-- gave the login to another account. Returns false where there is no room for one more.
local people, nicks = KEYS[1], KEYS[2]
local id, nick, person, joined, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local function stored(one)
    local found = redis.call('HGET', people, one)
    return found and cjson.decode(found)
end
local old = stored(id)
if not old and redis.call('HLEN', people) >= most then return false end
if old then redis.call('HDEL', nicks, string.lower(old.nick)) end
local holder = redis.call('HGET', nicks, string.lower(nick))
if holder and holder ~= id then
    local other = stored(holder)
    -- No login at GitHub has a dot.
    other.nick = other.nick .. '.' .. holder
    redis.call('HSET', people, holder, cjson.encode(other))
    redis.call('HSET', nicks, string.lower(other.nick), holder)
end
local new = cjson.decode(person)
new.joined = old and old.joined or tonumber(joined)
if old then new.admitted_by = old.admitted_by end
redis.call('HSET', people, id, cjson.encode(new))
redis.call('HSET', nicks, string.lower(nick), id)
return true
