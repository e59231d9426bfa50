-- Mark a thread as done, snoozed or muted for a person, or take that back. Returns 'full' where no more can be
-- snoozed, else 'done'.
-- include _lists
local thread, done, snoozed, muted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, flow, thread_id, person, action = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local score, most = ARGV[6], tonumber(ARGV[7])

if action == 'mute' then
    redis.call('ZADD', muted, score, thread_id)
    redis.call('ZREMRANGEBYRANK', muted, 0, -most - 1)
    redis.call('ZREM', list_key(prefix, 'unread', flow, person), thread_id)
    return 'done'
elseif action == 'unmute' then
    redis.call('ZREM', muted, thread_id)
    local is_away = redis.call('ZSCORE', done, thread_id) or redis.call('ZSCORE', snoozed, thread_id)
    local last = redis.call('HGET', thread, 'last')
    if last and not is_away then mark_unread(prefix, flow, person, thread_id, last) end
    return 'done'
end
if action == 'snooze' and redis.call('ZCARD', snoozed) >= most then return 'full' end
redis.call('ZREM', done, thread_id)
redis.call('ZREM', snoozed, thread_id)
if action == 'undo' then
    add_to_lists(prefix, flow, person, thread, thread_id)
    return 'done'
end
redis.call('ZADD', action == 'snooze' and snoozed or done, score, thread_id)
redis.call('ZREMRANGEBYRANK', done, 0, -most - 1)
remove_from_lists(prefix, flow, person, thread, thread_id)
return 'done'
