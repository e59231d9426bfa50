#!lua flags=allow-oom
-- Replace deliveries by their messages and what they write, only if all of them are still there: a step that
-- is repeated (Redis did it and went away before it could say so) must not count twice. Nothing is done where
-- a repository's messages would take far more room than its deliveries may.
--
-- Behind the arguments named here: the value of each write, which may be no text; then the messages;
-- then the bodies of deliveries of bridge's own, for later.
-- include _fenced
-- include _counting
-- include _attempts
-- include _writes
-- include _keeping
local inbox, outbox, attempts, backlog = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local step, VALUES = cmsgpack.unpack(ARGV[2]), 2
local ids, rows, repositories, later = step.ids, step.writes, step.repositories, step.later
for _, id in ipairs(ids) do
    local entry = redis.call('XRANGE', inbox, id, id)[1]
    if not entry then return false end
    count(entry[2], -1)
end
local messages = {}
for i, repository in ipairs(repositories) do
    messages[i] = {'repository_id', repository, 'message', ARGV[VALUES + #rows + i]}
    count(messages[i], 1)
end
for i, fields in ipairs(later) do
    fields[#fields + 1] = 'body'
    fields[#fields + 1] = ARGV[VALUES + #rows + #repositories + i]
    count(fields, 1)
end
for name, bytes in pairs(changes) do
    if bytes > 0 and name ~= 'all' and step.most_waiting > 0
        and (redis.call('HGET', backlog, name) or 0) + bytes > step.most_waiting then
        return redis.error_reply('FULL')
    end
end
for i, row in ipairs(rows) do
    local command, place, seconds, list = unpack(row)
    local key, value = KEYS[place], ARGV[VALUES + i]
    write(command, key, seconds, value)
    if list > 0 then keep(KEYS[list], seconds, key, command == 'SET' and #value or 0) end
end
end_writing()
end_keeping(step.most_kept)
for i, fields in ipairs(messages) do messages[i] = redis.call('XADD', outbox, '*', unpack(fields)) end
for _, fields in ipairs(later) do redis.call('XADD', inbox, '*', unpack(fields)) end
redis.call('XDEL', inbox, unpack(ids))
end_counting(backlog)
forget_attempts(attempts, 'inbox', ids)
return messages
