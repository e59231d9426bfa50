-- Look through a list of threads, the newest first, for those whose text has all words: {where to go on, ids}.
-- A call looks at a bounded number of them, so that Redis serves others in between; '' is the end of the list.
local list = KEYS[1]
local thread_prefix, before, limit, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local words = {unpack(ARGV, 5)}

local function has_all(thread_id)
    if #words == 0 then return true end
    local text = redis.call('HMGET', thread_prefix .. thread_id, 'about', 'said')
    for _, word in ipairs(words) do
        if not (string.find(text[1] or '', word, 1, true) or string.find(text[2] or '', word, 1, true)) then
            return false
        end
    end
    return true
end

local found, last = {}, ''
local scanned = redis.call('ZREVRANGEBYSCORE', list, before, '-inf', 'WITHSCORES', 'LIMIT', 0, most)
for index = 1, #scanned, 2 do
    last = scanned[index + 1]
    if has_all(scanned[index]) then found[#found + 1] = scanned[index] end
    if #found == limit then return {'(' .. last, found} end
end
return {#scanned < most * 2 and '' or '(' .. last, found}
