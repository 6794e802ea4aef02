#!lua
-- Ties a push subscription to a session in place of the one that it had, or takes it away.
-- KEYS[1]  cs:{tag}<handle>   hash, the session
-- ARGV[1]  '0', or a pinned clock for tests, ms
-- ARGV[2]  uid hash of the account that it must belong to
-- ARGV[3]  the subscription, sealed; '' to take away the one that there is
-- ARGV[4]  the only one that may be taken away, sealed; '' for any
-- Returns  'subscribed'; 'unsubscribed' or 'without' (it had none, or another one); or nothing when the account has no
--          such live session
-- Invariant: a session that is gone stays gone; a subscription never outlives its session; n says that there is one.
local now = clock(ARGV[1])
local r = read(KEYS[1])
if not r or r.uid_hash ~= ARGV[2] or now >= r.e then return false end
local key = subscription(r.key)
if ARGV[3] ~= '' then
  redis.call('SET', key, ARGV[3])
  expire(key, r.e)
  redis.call('HSET', r.key, 'n', '1')
  return 'subscribed'
end
if not r.n or (ARGV[4] ~= '' and redis.call('GET', key) ~= ARGV[4]) then return 'without' end
redis.call('DEL', key)
redis.call('HDEL', r.key, 'n')
return 'unsubscribed'
