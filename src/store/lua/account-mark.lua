-- Sets what an account has beside its document: password, suspension, "not before".
-- KEYS[1]  cs:a:{tag}:<uid hash>   hash, the account
-- ARGV[1]  'password', 'suspend', 'restore' or 'cut-off'
-- ARGV[2]  the password hash, for 'password'
-- Returns 'done', or 'unknown' when there is no such account.
-- Invariant: an account that does not exist gains no fields; a session opened before a cut-off or a restoration is over.
if redis.call('HEXISTS', KEYS[1], 'doc') == 0 then return 'unknown' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

if ARGV[1] == 'password' then
  redis.call('HSET', KEYS[1], 'pw', ARGV[2])
elseif ARGV[1] == 'suspend' then
  redis.call('HSETNX', KEYS[1], 'sus', now)
elseif ARGV[1] == 'restore' then
  -- Suspending ended every session; this ends the one that was being opened meanwhile.
  if redis.call('HDEL', KEYS[1], 'sus') == 1 then redis.call('HSET', KEYS[1], 'nb', now) end
else
  redis.call('HSET', KEYS[1], 'nb', now)
end
return 'done'
