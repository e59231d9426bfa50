-- Hold what is kept of a repository to its budget. Each list has one lifetime, the oldest first: a score is
-- the second of the last write, or one later than the last step's, and, in its lowest 20 bits, the size, so that
-- the sum holds also where a key has run out. Beyond the budget the oldest go, a snapshot with what lies beside
-- it: keys of the same partition, not among KEYS.
local KEPT_ENTRY_BYTES = 300 -- besides the value
local SIZES = 1048576
local kept = {}
local function keep(list, seconds, key, size)
    kept[list] = kept[list] or {seconds = seconds, sizes = {}}
    kept[list].sizes[string.match(key, '}:(.+)$')] = size + KEPT_ENTRY_BYTES
end
local function forget(list, member)
    local partition = string.match(list, '^bridge:{%d+}:')
    redis.call('DEL', partition .. member)
    local repository, number = string.match(member, '^snapshot:(%d+):(%d+)$')
    if number then
        redis.call('DEL', partition .. 'shown:' .. repository .. ':' .. number)
        redis.call('SREM', partition .. 'open:' .. repository .. ':', number)
    end
end
local function end_keeping(budget)
    local second = nil
    for list, one in pairs(kept) do
        second = second or tonumber(redis.call('TIME')[1])
        local last = redis.call('ZRANGE', list, -1, -1, 'WITHSCORES')[2]
        local turn, grown = math.max(second, last and math.floor(last / SIZES) + 1 or 0), 0
        for member, size in pairs(one.sizes) do
            grown = grown + size - (redis.call('ZSCORE', list, member) or 0) % SIZES
            redis.call('ZADD', list, turn * SIZES + size, member)
        end
        local sum = list .. ':bytes'
        local bytes = redis.call('INCRBY', sum, grown)
        while budget > 0 and bytes > budget and redis.call('ZCARD', list) > 1 do
            local member, score = unpack(redis.call('ZPOPMIN', list))
            forget(list, member)
            bytes = redis.call('DECRBY', sum, score % SIZES)
        end
        redis.call('EXPIRE', list, one.seconds)
        redis.call('EXPIRE', sum, one.seconds)
    end
end
