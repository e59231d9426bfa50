-- Put what a person snoozed until now back on their lists.
-- include _lists
local snoozed = KEYS[1]
local prefix, thread_prefix, person, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local AT_ONCE = 200
for _, thread_id in ipairs(redis.call('ZRANGEBYSCORE', snoozed, '-inf', now, 'LIMIT', 0, AT_ONCE)) do
    redis.call('ZREM', snoozed, thread_id)
    local flow = redis.call('HGET', thread_prefix .. thread_id, 'flow')
    -- A reminder shows the thread as unread.
    if flow then redis.call('HSETNX', list_key(prefix, 'unread-counts', flow, person), thread_id, 0) end
    if flow then add_to_lists(prefix, flow, person, thread_prefix .. thread_id, thread_id) end
end
