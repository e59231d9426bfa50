#!lua flags=allow-oom
-- Take a person's ownership, or delete everything about them. Returns 'last' for the last owner, who stays.
local people, nicks, owners, seen = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local members, barred, leaving = KEYS[5], KEYS[6], KEYS[7]
local id, ownership_alone, bar = ARGV[1], ARGV[2] == '1', ARGV[3] == '1'
if redis.call('SISMEMBER', owners, id) == 1 and redis.call('SCARD', owners) == 1 then return 'last' end
redis.call('SREM', owners, id)
if ownership_alone then return 'done' end
local person = redis.call('HGET', people, id)
if not person then return 'done' end
local nick = string.lower(cjson.decode(person).nick)
if redis.call('HGET', nicks, nick) == id then redis.call('HDEL', nicks, nick) end
redis.call('HDEL', people, id)
redis.call('HDEL', seen, id)
redis.call('HDEL', members, id)
if bar then redis.call('SADD', barred, id) end
redis.call('SADD', leaving, id) -- flows are of another hash tag: they come next
local personal = {unpack(KEYS, 8)}
redis.call('DEL', unpack(personal))
return 'done'
