#!lua flags=allow-oom
-- Remove messages that are done, each with its writes. One that was removed before writes nothing more.
-- include _fenced
-- include _counting
-- include _attempts
-- include _writes
local outbox, attempts, backlog = KEYS[2], KEYS[3], KEYS[4]
local acks = cmsgpack.unpack(ARGV[2])
local ids = {}
for i, ack in ipairs(acks) do
    local id, writes = unpack(ack)
    local entry = redis.call('XRANGE', outbox, id, id)[1]
    if entry then
        redis.call('XDEL', outbox, id)
        count(entry[2], -1)
        write_texts(writes)
    end
    ids[i] = id
end
end_writing()
end_counting(backlog)
forget_attempts(attempts, 'outbox', ids)
