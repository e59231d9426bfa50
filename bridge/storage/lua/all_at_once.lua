-- Run commands as one step. ARGV: of each command how many parts it has, and its parts.
local found, at = {}, 1
while at <= #ARGV do
    local count = ARGV[at]
    found[#found + 1] = redis.call(unpack(ARGV, at + 1, at + count))
    at = at + count + 1
end
return found
