-- What was said last in a thread, a line for each message. Whole lines alone: a deletion finds all of its message.
local function newest_lines(said)
    local SAID = 4000
    if #said <= SAID then return said end
    said = string.sub(said, -SAID - 1)
    return string.sub(said, string.find(said, '\n', 1, true) + 1)
end
