-- Find the entries of a repository and of one of its connections, without their payloads: the id of the last
-- one that was looked at, and of each one found its id and fields.
local stream = KEYS[1]
local first, most, repository_id = ARGV[1], ARGV[2], ARGV[3]
local connection, REDRIVEN = ARGV[4], ARGV[5] -- a text in the connection's messages, redriven messages' event
local found, last = {}, ''
for _, entry in ipairs(redis.call('XRANGE', stream, first, '+', 'COUNT', most)) do
    last = entry[1]
    local fields = {}
    for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
    if fields.event == REDRIVEN then fields.message = fields.body end
    local is_ours = fields.repository_id == repository_id
    if fields.message then is_ours = string.find(fields.message, connection, 1, true) end
    if is_ours then
        fields.body = nil
        local flat = {entry[1]}
        for name, value in pairs(fields) do
            flat[#flat + 1] = name
            flat[#flat + 1] = value
        end
        found[#found + 1] = flat
    end
end
return {last, found}
