#!lua flags=allow-oom
-- Change fields of a person who is still there, or make them an owner. A name of their own choice stays after
-- later sign-ins.
local people, owners = KEYS[1], KEYS[2] -- none where they become no owner
local id, changes = ARGV[1], cjson.decode(ARGV[2])
local found = redis.call('HGET', people, id)
if not found then return end
local person = cjson.decode(found)
for field, value in pairs(changes) do person[field] = value end
redis.call('HSET', people, id, cjson.encode(person))
if owners then redis.call('SADD', owners, id) end
