#!lua flags=allow-oom
-- Change fields of a person who is still there. A name of their own choice is then replaced by no sign-in.
local people = KEYS[1]
local id, changes = ARGV[1], cjson.decode(ARGV[2])
local found = redis.call('HGET', people, id)
if not found then return end
local person = cjson.decode(found)
for field, value in pairs(changes) do person[field] = value end
redis.call('HSET', people, id, cjson.encode(person))
