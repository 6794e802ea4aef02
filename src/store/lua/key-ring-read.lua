-- Reads a sealed ring of keys together with the clock that its steps are timed by.
-- KEYS[1]  cs:key-ring or cs:vapid   string, the sealed ring
-- Returns { the sealed ring or nil, Redis' time in ms }.
-- Invariant: none; it only reads.
local time = redis.call('TIME')
return { redis.call('GET', KEYS[1]), time[1] * 1000 + math.floor(time[2] / 1000) }
