#!lua flags=allow-oom
-- Ends one session.
-- KEYS[1]  cs:{tag}<handle>   hash, the session
-- ARGV[1]  '0', or a pinned clock for tests, ms
-- ARGV[2]  why, kept in its tombstone
-- ARGV[3]  uid hash of the account that it must belong to, '' for any
-- Returns  {facts, account document or nothing, last use}, or nothing when there is no such session
-- Invariant: once this has answered, no token of the session is accepted, whatever runs beside it.
local now = clock(ARGV[1])
local r = read(KEYS[1])
if not r or (ARGV[3] ~= '' and ARGV[3] ~= r.uid_hash) then return false end
bury(r, ARGV[2], now)
return { facts(r), redis.call('HGET', account_key('cs:a:', r), 'doc'), use_of(r) }
