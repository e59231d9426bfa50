#!lua flags=allow-oom
-- Give a person another name, which then no sign-in replaces; with an empty one GitHub's comes back.
local people = KEYS[1]
local id, name = ARGV[1], ARGV[2]
local found = redis.call('HGET', people, id)
if not found then return end
local person = cjson.decode(found)
person.renamed = name ~= ''
if person.renamed then person.name = name end
redis.call('HSET', people, id, cjson.encode(person))
