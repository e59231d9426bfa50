-- Add a source to a flow that is still there and has room for it: 'gone', 'full' or 'done'.
local flows, sources, tokens, of_flow = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local flow_id, id, source, token, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if redis.call('HEXISTS', flows, flow_id) == 0 then return 'gone' end
if redis.call('SCARD', of_flow) >= most then return 'full' end
redis.call('HSET', sources, id, source)
redis.call('HSET', tokens, token, id)
redis.call('SADD', of_flow, id)
return 'done'
