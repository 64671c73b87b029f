-- The requests of a file for wrk, one after the other, each POST with an Idempotency-Key of its own.
-- Arguments: the file (method, path, body, between tabs) and what all keys of this run begin with.
-- All but the key is put together before the run, so that a request costs one concatenation.

local heads, tails, total, sent, prefix = {}, {}, 0, 0, ""

function init(args)
  prefix = args[2]
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%u+)\t([^\t]*)\t(.*)$")
    local head = method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
    total = total + 1
    if method == "GET" then
      heads[total] = head .. "X-Load: " .. prefix
      tails[total] = "\r\n\r\n"
    else
      heads[total] = head .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\nIdempotency-Key: " .. prefix
      tails[total] = "\r\n\r\n" .. body
    end
  end
end

function request()
  sent = sent + 1
  local at = sent % total + 1
  return heads[at] .. sent .. tails[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,' ..
    '"p50":%.3f,"p90":%.3f,"p99":%.3f,"p999":%.3f,"max":%.3f}\n',
    summary.requests, summary.duration, e.status, e.connect, e.read, e.write, e.timeout,
    latency:percentile(50) / 1000, latency:percentile(90) / 1000, latency:percentile(99) / 1000,
    latency:percentile(99.9) / 1000, latency.max / 1000))
end
