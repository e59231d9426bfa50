-- Add a connection, only if none was changed since they were all read (''; none ever was); 0 otherwise.
local changes, connection, all, of_repository = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local read, value, id = ARGV[1], ARGV[2], ARGV[3]
if (redis.call('GET', changes) or '') ~= read then return 0 end
redis.call('SET', connection, value)
redis.call('SADD', all, id)
redis.call('SADD', of_repository, id)
redis.call('INCR', changes)
return 1
