-- Remove threads, those longest without a message first, until the bounds hold; at most `at_once`, and never
-- the one that is `spared`. Returns the number of those removed.
local function trim(spared, at_once)
    local bytes, removed = tonumber(redis.call('HGET', usage, 'bytes') or 0), 0
    for _, old in ipairs(redis.call('ZRANGE', threads, 0, at_once - 1)) do
        local about = redis.call('HMGET', thread_parts[1] .. old, 'bytes', 'sent')
        local is_over = bytes > bounds.size or redis.call('ZCARD', threads) > bounds.threads
        if old == spared or not (is_over or tonumber(about[2] or 0) < bounds.oldest) then break end
        bytes = redis.call('HINCRBY', usage, 'bytes', -tonumber(about[1] or 0))
        forget_in_lists(prefix, flow_id, members, thread_parts[1] .. old, old)
        for _, part in ipairs(thread_parts) do redis.call('DEL', part .. old) end
        redis.call('ZREM', threads, old)
        redis.call('ZREM', open, old)
        removed = removed + 1
    end
    return removed
end
