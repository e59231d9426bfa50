-- Forget the failed attempts of entries that are done.
local function forget_attempts(attempts, kind, ids)
    local names = {}
    for i, id in ipairs(ids) do names[i] = kind .. ':' .. id end
    redis.call('HDEL', attempts, unpack(names))
end
