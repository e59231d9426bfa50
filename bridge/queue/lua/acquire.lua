#!lua flags=allow-oom
-- Take a partition's lease, and put up a new fence; 0 while another worker holds it.
local lease, fence = KEYS[1], KEYS[2]
local worker, milliseconds, own_fence = ARGV[1], ARGV[2], ARGV[3]
if not redis.call('SET', lease, worker, 'NX', 'PX', milliseconds) then return 0 end
redis.call('SET', fence, own_fence)
return 1
