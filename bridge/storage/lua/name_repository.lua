#!lua flags=allow-oom
-- Note a repository's name: as a delivery tells it, or as GitHub answers now. The name may have been another
-- repository's: clicks must not mistake one for the other. A delivery takes no name from a repository that has it.
-- A late one tells a name that the repository no longer has: it does not take the present one's place. Behind the
-- arguments named here: the repository's former names. Returns 0 if another repository has the name, 2 if this one
-- had another name before, else 1.
local ids, names, former_ids, named_at = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, full_name, teller, told_at = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local FORMER = 5
local name, by_github = string.lower(full_name), teller == 'github'
local holder, before = redis.call('HGET', ids, name), redis.call('HGET', names, id)
if holder == id then holder = false end
local is_held = holder and string.lower(redis.call('HGET', names, holder) or '') == name
if is_held and not by_github then return 0 end
if by_github or told_at >= (redis.call('HGET', named_at, id) or '') then
    if holder then redis.call('HSET', former_ids, name, holder) end
    redis.call('HSET', ids, name, id)
    redis.call('HSET', names, id, full_name)
    if not by_github then redis.call('HSET', named_at, id, told_at) end
end
redis.call('HSETNX', ids, name, id)
for i = FORMER, #ARGV do redis.call('HSETNX', ids, string.lower(ARGV[i]), id) end
if before and before ~= redis.call('HGET', names, id) then return 2 end
return 1
