-- wrk's script: one message of a source, in each request for another of a thousand threads.
-- Argument: the file with the body, in which THREAD-000 stands for the thread.

-- Its `setup` and `done`.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "deliver.lua")

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    body = file:read("*a")
    file:close()
    head = table.concat({
        "POST /inbox/api/messages HTTP/1.1",
        "Host: " .. wrk.host .. ":" .. wrk.port,
        "Accept: */*",
        "Content-Type: application/json",
        "Content-Length: " .. #body,
    }, "\r\n") .. "\r\n\r\n"
    sent = 0
end

function request()
    sent = sent + 1
    return head .. body:gsub("THREAD%-000", string.format("THREAD-%03d", sent % 1000))
end
