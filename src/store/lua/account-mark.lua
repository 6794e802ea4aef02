#!lua flags=allow-oom
-- Sets what an account has beside its document: password, suspension, "not before".
-- KEYS[1]  cs:a:{tag}:<uid hash>   hash, the account
-- ARGV[1]  'password', 'suspend', 'restore' or 'cut-off'
-- ARGV[2]  password hash, '' but for 'password'
-- Returns  'done', or 'unknown' when there is no such account
-- Invariant: an account that does not exist gains no field; no session opened before a cut-off is good after it; whoever
--            keeps what it knows of the account hears that it changed, by the signal cs:rv:{tag}:@<uid hash>.
local account = redis.call('HMGET', KEYS[1], 'doc', 'sus', 'nb')
if not account[1] then return 'unknown' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

if ARGV[1] == 'password' then
  redis.call('HSET', KEYS[1], 'pw', ARGV[2])
elseif ARGV[1] == 'suspend' then
  redis.call('HSETNX', KEYS[1], 'sus', now)
elseif ARGV[1] == 'cut-off' or account[2] then
  -- Past this millisecond and past the last cut-off: sessions are never created before it, even when the clock goes back.
  redis.call('HSET', KEYS[1], 'nb', math.max(now, tonumber(account[3] or 0)) + 1)
  -- Restoring cuts off, too: ending the sessions may have failed when it was suspended.
  if ARGV[1] == 'restore' then redis.call('HDEL', KEYS[1], 'sus') end
end
tell_of(KEYS[1])
return 'done'
