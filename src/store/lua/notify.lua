#!lua
-- Notes whether a session's owner is told of news by push messages to it.
-- KEYS[1]  cs:{tag}<handle>   hash, the session
-- ARGV[1]  '0', or a pinned clock for tests, ms
-- ARGV[2]  uid hash of the account that it must belong to
-- ARGV[3]  '1' or '' for no
-- Returns  'noted', or nothing when the account has no such live session
-- Invariant: a session that is gone stays gone.
local now = clock(ARGV[1])
local r = read(KEYS[1])
if not r or r.uid_hash ~= ARGV[2] or now >= r.e then return false end
if ARGV[3] == '' then redis.call('HDEL', r.key, 'n') else redis.call('HSET', r.key, 'n', '1') end
return 'noted'
