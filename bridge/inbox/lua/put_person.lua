#!lua flags=allow-oom
-- Add a person, or follow their new nick, name and picture. The nick leaves its former holder: GitHub gave the
-- login to another account. An invitation serves once, and lets in a barred person too.
-- Returns 'gone' where the invitation is, or a person who signs in while an owner removes them; 'full' where there
-- is no room for one more, else 'done'.
local people, nicks, owners, barred, invitations, members = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local invitation = KEYS[7] -- none where the person needs none
local id, nick, person, joined, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local invitation_name, owner, is_known = ARGV[6], ARGV[7] == '1', ARGV[8] == '1'
local function stored(one)
    local found = redis.call('HGET', people, one)
    return found and cjson.decode(found)
end
local old, new = stored(id), cjson.decode(person)
if is_known and not old then return 'gone' end
if new.admitted_by == 'organization' and redis.call('SISMEMBER', barred, id) == 1 then return 'gone' end
if invitation and redis.call('EXISTS', invitation) == 0 then return 'gone' end
if not old and redis.call('HLEN', people) >= most then return 'full' end
if invitation then
    redis.call('DEL', invitation)
    redis.call('ZREM', invitations, invitation_name)
end
if old then redis.call('HDEL', nicks, string.lower(old.nick)) end
local holder = redis.call('HGET', nicks, string.lower(nick))
if holder and holder ~= id then
    local other = stored(holder)
    -- No login at GitHub has a dot.
    other.nick = other.nick .. '.' .. holder
    redis.call('HSET', people, holder, cjson.encode(other))
    redis.call('HSET', nicks, string.lower(other.nick), holder)
end
new.joined = old and old.joined or math.floor(tonumber(joined))
new.valid_from = old and old.valid_from or tonumber(joined)
if old and old.renamed then new.name, new.renamed = old.name, true end
redis.call('HSET', people, id, cjson.encode(new))
redis.call('HSET', nicks, string.lower(nick), id)
if owner then redis.call('SADD', owners, id) end
if new.admitted_by ~= 'organization' then
    redis.call('SREM', barred, id)
    redis.call('HDEL', members, id)
end
return 'done'
