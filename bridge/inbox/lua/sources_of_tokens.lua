#!lua flags=no-writes
-- The sources, removed or not, that were given flow tokens, by the tokens' hashes; false where none was.
local tokens, sources = KEYS[1], KEYS[2]
local ids = redis.call('HMGET', tokens, unpack(ARGV))
for at, id in ipairs(ids) do ids[at] = id or '' end
return redis.call('HMGET', sources, unpack(ids))
