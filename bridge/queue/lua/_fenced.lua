-- Refuse an owner whose partition another worker has taken. The first key of a fenced script is the
-- partition's fence, the first argument that of the caller's lease.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
