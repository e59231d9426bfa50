#!lua flags=no-writes
-- The source, removed or not, that was given a flow token, by the token's hash; false if none was.
local tokens, sources, hash = KEYS[1], KEYS[2], ARGV[1]
local id = redis.call('HGET', tokens, hash)
return id and redis.call('HGET', sources, id)
