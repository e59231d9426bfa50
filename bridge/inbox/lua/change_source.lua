#!lua flags=allow-oom
-- Replace a source that is still as it was read: 1, or 0. If it is removed, it leaves its flow, and the flow's
-- oldest removed sources are forgotten with their tokens.
local sources, of_flow, removed, tokens = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, old, new, is_removal, now, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5], tonumber(ARGV[6])
if redis.call('HGET', sources, id) ~= old then return 0 end
redis.call('HSET', sources, id, new)
if is_removal then
    redis.call('SREM', of_flow, id)
    redis.call('ZADD', removed, now, id)
    for _, one in ipairs(redis.call('ZRANGE', removed, 0, -most - 1)) do
        redis.call('HDEL', tokens, cjson.decode(redis.call('HGET', sources, one)).token_hash)
        redis.call('HDEL', sources, one)
        redis.call('ZREM', removed, one)
    end
end
return 1
