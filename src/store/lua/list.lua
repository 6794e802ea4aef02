-- Lists the sessions of an account, or one of them, and forgets those that are gone.
-- KEYS[1]  cs:u:{tag}:<uid hash>   zset, the account's sessions
-- KEYS[2]  cs:a:{tag}:<uid hash>   hash, the account
-- ARGV[1]  '0', or a pinned clock for tests, ms
-- ARGV[2]  handle of the only one that is wanted, '' for all
-- Returns  {account document or nothing, then one a session: {facts, last seen, last use, description or nothing,
--          '1' or nothing: whether it has a push subscription}}
-- Invariant: changes nothing that was not over; writes only when something was, so that it works on a replica.
local now = clock(ARGV[1])
local account = redis.call('HMGET', KEYS[2], 'doc', 'nb')
prune(KEYS[1], now)
local listed = { account[1] }
local only = ARGV[2] ~= '' and ARGV[2]
for _, r in ipairs(members(KEYS[1], tonumber(account[2] or 0), now, only)) do
  listed[#listed + 1] = { facts(r), last_used(r), use_of(r), unpack(redis.call('HMGET', r.key, 'd', 'n')) }
end
return listed
