-- Queue a notification: the newest message that concerns a person in a thread, and why: `m`, it mentions them, or
-- `t`, it has become their turn. One that waits already takes it in. If too many wait, the one that is due last makes
-- room: nobody's quiet hours keep the others from theirs.
local MOST_NOTIFICATIONS = 20000
local function notify(notifications, notes, member, id, why)
    if redis.call('ZCARD', notifications) >= MOST_NOTIFICATIONS then
        local last = redis.call('ZRANGE', notifications, -1, -1)[1]
        redis.call('ZREM', notifications, last)
        redis.call('HDEL', notes, last)
    end
    local now, waits = redis.call('TIME'), redis.call('HGET', notes, member) or ''
    local before = string.match(waits, '%a*$')
    if not string.find(before, why, 1, true) then before = before .. why end
    redis.call('HSET', notes, member, id .. ':' .. before)
    redis.call('ZADD', notifications, 'LT', now[1] + now[2] / 1e6, member)
end

-- Queue the notification of a message that mentions a person, and note the thread among those that do.
local function notify_mention(notifications, notes, mentions, person, flow, thread, id)
    local MOST_MENTIONS = 200
    notify(notifications, notes, person .. ':' .. flow .. ':' .. thread, id, 'm')
    redis.call('ZADD', mentions .. person, id, thread)
    redis.call('ZREMRANGEBYRANK', mentions .. person, 0, -MOST_MENTIONS - 1)
end
