-- Make a flow with its first member, unless its path is taken: 1, or 0.
local flows, paths, members, flows_of = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, path, flow, person = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('HSETNX', paths, path, id) == 0 then return 0 end
redis.call('HSET', flows, id, flow)
redis.call('SADD', members, person)
redis.call('SADD', flows_of, id)
return 1
