#!lua flags=allow-oom
-- Hold a lease for its full time again; 0 if another worker has taken the partition. One that ran out is good
-- as long as nobody has.
local lease, fence = KEYS[1], KEYS[2]
local worker, milliseconds, own_fence = ARGV[1], ARGV[2], ARGV[3]
if redis.call('GET', fence) ~= own_fence then return 0 end
redis.call('SET', lease, worker, 'PX', milliseconds)
return 1
