#!lua flags=allow-oom
-- Change a message, or delete it where the new one is empty: 1, or 0 if it is gone already. Nothing of the old
-- words stays, not even in the text for searches. The flow's news carry its id alone. People whom only the new words
-- mention are notified.
-- include _notify
local thread, entries, edited, messages, news = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local last_id, usage, flows, notifications, notes = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local flow_id, thread_id, id, author, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local new, deleted, old_said, new_said, most = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local mentioned, mentions = cjson.decode(ARGV[11]), ARGV[12]
local OVERHEAD, NEWEST = 200, 10000
-- include _said

local place = id .. '-0'
local entry = redis.call('XRANGE', entries, place, place)[1]
local old = entry and entry[2][2] or redis.call('HGET', edited, id)
if not old or redis.call('HEXISTS', flows, flow_id) == 0 then return 0 end

local added = #new - #old
redis.call('XDEL', entries, place)
if new ~= '' then
    redis.call('HSET', edited, id, new)
else
    redis.call('HDEL', edited, id)
    redis.call('XDEL', messages, place)
    redis.call('HINCRBY', thread, 'comments', -1)
    added = added - OVERHEAD
end
if redis.call('HGET', thread, 'last') == id then
    local newest = new ~= '' and new or deleted
    added = added + #newest - redis.call('HSTRLEN', thread, 'newest')
    redis.call('HSET', thread, 'newest', newest)
end
local said = redis.call('HGET', thread, 'said') or ''
local from = string.find('\n' .. said, '\n' .. old_said, 1, true)
if from then
    local now_said = newest_lines(string.sub(said, 1, from - 1) .. new_said .. string.sub(said, from + #old_said))
    redis.call('HSET', thread, 'said', now_said)
    added = added + #now_said - #said
end
redis.call('HINCRBY', thread, 'bytes', added)
redis.call('HINCRBY', usage, 'bytes', added)

local event_id = string.format('%.0f', redis.call('INCR', last_id))
local event = event_id .. '-0'
redis.call('XADD', messages, 'MAXLEN', '~', most, event, 't', thread_id, 'e', id, 'a', author, 's', now)
redis.call('XADD', news, 'MAXLEN', '~', NEWEST, event, 'f', flow_id)
redis.call('HSET', thread, 'changed', event_id)
for _, person in ipairs(mentioned) do
    notify_mention(notifications, notes, mentions, person, flow_id, thread_id, event_id)
end
return 1
