-- wrk's script: one signed body, a delivery id of its own for each request.
-- Arguments: the file with the body, its signature, a number that tells this run from others.

local threads = 0

function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    local body = file:read("*a")
    file:close()
    head = table.concat({
        "POST /github/webhook HTTP/1.1",
        "Host: " .. wrk.host .. ":" .. wrk.port,
        "User-Agent: GitHub-Hookshot/0000000",
        "Accept: */*",
        "Content-Type: application/json",
        "Content-Length: " .. #body,
        "X-GitHub-Event: pull_request",
        "X-GitHub-Hook-ID: 1",
        "X-Hub-Signature-256: " .. arguments[2],
        "X-GitHub-Delivery: " .. string.format("%08x-%04x-4000-8000-", arguments[3], number),
    }, "\r\n")
    tail = "\r\n\r\n" .. body
    sent = 0
end

function request()
    sent = sent + 1
    return head .. string.format("%012x", sent) .. tail
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests": %d, "seconds": %f, "refused": %d, "broken": %d, "p50": %f, "p99": %f}\n',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
