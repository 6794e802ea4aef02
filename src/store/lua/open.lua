#!lua
-- Opens a session of an account that may have one, and ends its least recently used ones of that kind beyond the cap.
-- KEYS[1]  cs:{tag}<handle>         hash, the session
-- KEYS[2]  cs:u:{tag}:<uid hash>   zset, the account's sessions
-- KEYS[3]  cs:a:{tag}:<uid hash>   hash, the account
-- ARGV[1]  '0', or a pinned clock for tests, ms
-- ARGV[2]  kind: 'rotating', 'fixed' or 'jwt'
-- ARGV[3]  idle life, ms
-- ARGV[4]  absolute life, ms
-- ARGV[5]  for how long its record outlives it, listed as expired, ms
-- ARGV[6]  how many sessions of this kind the account may have
-- ARGV[7]  scopes, '' for none
-- ARGV[8]  description, '' for none
-- ARGV[9]  'unique': no two live sessions of this kind have one description; else ''
-- ARGV[10] use: user agent hash (6 bytes) ‖ address (0, 4 or 16)
-- ARGV[11] what it rests on: 'p' and the salt of its owner's password, or 's' and the handle of a session of the account; '' when
--          somebody vouches for the owner
-- Returns  {'opened', facts, account document, evicted handles}, or {'unknown'}, {'suspended'}, {'revoked'},
--          {'wrong-password'}, {'description-taken'}
-- Invariant: no more sessions of a kind than the cap; the new one is never the one to go; a revoked handle never comes
--          back; none is opened by a password that was changed or a session that has ended; a session that is there is left
--          as it is, so that opening may be repeated.
local SALT = '^%$[^$]+%$[^$]+%$[^$]+%$([^$]+)' -- of a PHC string
local now = clock(ARGV[1])
local account = redis.call('HMGET', KEYS[3], 'doc', 'sus', 'nb', 'pw')
if not account[1] then return { 'unknown' } end
if account[2] then return { 'suspended' } end
if redis.call('EXISTS', tombstone(KEYS[1])) == 1 then return { 'revoked' } end
local not_before = tonumber(account[3] or 0)
local by, name = ARGV[11]:sub(1, 1), ARGV[11]:sub(2)
if by == 'p' and (account[4] or ''):match(SALT) ~= name then return { 'wrong-password' } end
if by == 's' then
  local opener = read(KEYS[1]:sub(1, 8) .. name)
  if not opener or opener.created < not_before then return { 'revoked' } end
end
local there = read(KEYS[1])
if there then return { 'opened', facts(there), account[1], {} } end

local kind, cap, unique = ARGV[2]:sub(1, 1), tonumber(ARGV[6]), ARGV[9] == 'unique'
local r = {
  key = KEYS[1], uid_hash = KEYS[2]:sub(12), scopes = ARGV[7],
  kind = kind, c = kind == 'r' and 1 or 0, t = now, a = 0, p = 0, o = 0, k = 1,
  s = NONE, q = NONE, q2 = NONE, q3 = NONE,
  -- Not before the cut-off even when the clock went back behind it.
  created = math.max(now, not_before), idle = tonumber(ARGV[3]),
}
r.x = r.created + tonumber(ARGV[4])
r.e = kind == 'j' and r.x or math.min(now + r.idle, r.x)

prune(KEYS[2], now)
local evicted = {}
if unique or redis.call('ZCARD', KEYS[2]) >= cap then
  local rivals = {}
  for _, other in ipairs(members(KEYS[2], not_before, now)) do
    if other.kind == kind and other.e > now then
      if unique and redis.call('HGET', other.key, 'd') == ARGV[8] then return { 'description-taken' } end
      rivals[#rivals + 1] = other
    end
  end
  table.sort(rivals, less_recent)
  for i = 1, #rivals - cap + 1 do
    bury(rivals[i], 'evicted', now)
    evicted[i] = handle_of(rivals[i])
  end
end

redis.call('HSET', r.key, 'r', pack(r), 'u', r.uid_hash .. struct.pack('>I6', now) .. ARGV[10])
if ARGV[7] ~= '' then redis.call('HSET', r.key, 's', ARGV[7]) end
if ARGV[8] ~= '' then redis.call('HSET', r.key, 'd', ARGV[8]) end
local gone_at = r.e + tonumber(ARGV[5])
expire(r.key, gone_at)
enlist(r, gone_at)
return { 'opened', facts(r), account[1], evicted }
