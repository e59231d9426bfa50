-- Take deliveries, in their order, as far as their repositories have room; the answers are `EnqueueResult`s.
-- A delivery that is refused leaves nothing behind, so that it is no duplicate when it comes again.
--
-- KEYS: what marks each delivery as taken; then, wherever the rows say, of each partition and day the inbox,
-- the time of the last delivery, the backlog and the day's counts; and what remembers a signature.
-- Behind the arguments named here: each body, for which Redis's MessagePack has no type.
-- include _entry_bytes
local seconds, room, a_day = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local rows, BODIES = cmsgpack.unpack(ARGV[4]), 4
local REPEAT_SECONDS = 60 -- within a second GitHub itself may send two equal bodies
local DUPLICATE, TAKEN, REPOSITORY_FULL, DAY_FULL = 0, 1, 2, 4

local holders, timed = {}, {}
local function holder(place, repository)
    local all = holders[place] or {}
    holders[place] = all
    if not all[repository] then
        local backlog, day = KEYS[place + 2], KEYS[place + 3]
        local held, today = redis.call('HGET', backlog, repository), redis.call('HGET', day, repository)
        all[repository] = {held = held or 0, added = 0, today = today or 0, taken = 0}
    end
    return all[repository]
end
local function refusal(of, size)
    if room > 0 and of.held + of.added + size > room then return REPOSITORY_FULL end
    if a_day > 0 and of.today + of.taken >= a_day then return DAY_FULL end
end
local function end_counting()
    for place, all in pairs(holders) do
        local backlog, day, sum = KEYS[place + 2], KEYS[place + 3], 0
        for repository, of in pairs(all) do
            if of.taken > 0 then
                redis.call('HINCRBY', backlog, repository, of.added)
                redis.call('HINCRBY', day, repository, of.taken)
                if tonumber(of.today) == 0 then redis.call('EXPIRE', day, seconds) end
                sum = sum + of.added
            end
        end
        if sum > 0 then redis.call('HINCRBY', backlog, 'all', sum) end
    end
end
-- The id that a signature came with first; false: with this one.
local function first_signed(signed, id)
    return signed > 0 and redis.call('SET', KEYS[signed], id, 'NX', 'GET', 'EX', seconds)
end
local function is_repeat(signed, first, id)
    return first and first ~= id and seconds - redis.call('TTL', KEYS[signed]) > REPEAT_SECONDS
end

local answers = {}
for i, row in ipairs(rows) do
    local place, signed, id, event, repository, number, received_at, signer = unpack(row)
    local body, of = ARGV[BODIES + i], holder(place, repository)
    local size = #body + ENTRY_BYTES
    local refused = refusal(of, size)
    if refused then
        answers[i] = redis.call('EXISTS', KEYS[i]) == 1 and DUPLICATE or refused
    elseif not redis.call('SET', KEYS[i], '', 'NX', 'EX', seconds) then
        answers[i] = DUPLICATE
    else
        local first = first_signed(signed, id)
        if is_repeat(signed, first, id) then
            answers[i] = DUPLICATE
        else
            if not timed[place] then
                redis.call('SET', KEYS[place + 1], received_at, 'EX', seconds)
                timed[place] = true
            end
            local added = redis.pcall('XADD', KEYS[place], '*', 'delivery_id', id, 'event', event,
                'repository_id', repository, 'number', number, 'received_at', received_at, 'signer', signer,
                'body', body)
            if added.err then
                -- Those before it are taken, and stay so.
                redis.call('DEL', KEYS[i])
                if signed > 0 and not first then redis.call('DEL', KEYS[signed]) end
                end_counting()
                return added
            end
            of.added, of.taken = of.added + size, of.taken + 1
            answers[i] = TAKEN
        end
    end
end
end_counting()
return answers
