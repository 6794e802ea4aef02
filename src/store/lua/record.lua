-- What every session script begins with: the packed record, and the keys that hang on it.
--
--   cs:{tag}<handle>      hash, small enough to stay a listpack
--     r   47 bytes: kind, c, absolute end x; t a, end e unless it is used, creation; p o; s q q2 q3, k; idle life
--     u   uid hash (16) ‖ last use: when (6), user agent hash (6), address (0, 4 or 16)
--     s   scopes     d   description     n   '1' with a push subscription; each absent when there is none
--   cs:rv:{tag}:<handle>  string, the tombstone: why it was revoked
--   cs:ps:{tag}:<handle>  string, sealed: its push subscription, which goes when it ends
--   cs:u:{tag}:<uid hash> zset, the account's sessions by the moment their records go
--   cs:a:{tag}:<uid hash> hash, the account
--
-- The last four are derived here from a declared session key and its record: all keys of an account carry its {tag},
-- so they lie in the slot of the declared one. Times and durations are ms; `now` is Redis' own clock.
-- A letter of `r` is explained in rotation.lua.
local FORM = '>c1I4I6I5I5I5I5I3I3BBBBBI5'
local NONE = 255 -- no branch
local NEVER, LONG_AGO = 2 ^ 40 - 1, 2 ^ 24 - 1
local UID_HASH = 16
local KIND = { r = 'rotating', f = 'fixed', j = 'jwt' }
local SHORTEST_TOMBSTONE = 3600000

-- Tests pin the clock; '0' is Redis TIME.
local pinned
local function clock(at)
  if at ~= '0' then
    pinned = tonumber(at)
    return pinned
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- `key` goes at `at`, to the millisecond, so that keys that are to go together do: a distance would begin at the moment of
-- its command, and time passes within a script. Redis does not know of a pinned clock: there, the distance is what counts.
local function expire(key, at)
  if pinned then redis.call('PEXPIRE', key, at - pinned) else redis.call('PEXPIREAT', key, at) end
end

-- Times are kept as distances back from x: five bytes do, for 34 years; what lies further back never was. p and o are kept
-- as distances back from t, of at most 4.6 hours, which is more than a leeway can be.
local function pack(r)
  local x, t = r.x, r.t
  return struct.pack(FORM, r.kind, r.c, x, x - t, math.min(x - r.a, NEVER), x - r.e, x - r.created,
    math.max(0, math.min(t - r.p, LONG_AGO)), math.max(0, math.min(t - r.o, LONG_AGO)),
    r.s, r.q, r.q2, r.q3, r.k, r.idle)
end

-- The record at `key`, or nil. `r.packed` is what is stored, so that a writer can tell whether anything changed.
local function read(key)
  local stored = redis.call('HMGET', key, 'r', 'u', 's', 'n')
  if not stored[1] then return nil end
  local kind, c, x, t, a, e, created, p, o, s, q, q2, q3, k, idle = struct.unpack(FORM, stored[1])
  local uid_hash = stored[2]:sub(1, UID_HASH)
  t = x - t
  return {
    key = key, packed = stored[1], uid_hash = uid_hash, u = stored[2], scopes = stored[3] or '', n = stored[4],
    kind = kind, c = c, x = x, t = t, a = x - a, p = t - p, o = t - o, e = x - e, created = x - created,
    s = s, q = q, q2 = q2, q3 = q3, k = k, idle = idle,
  }
end

-- What is seldom wanted of a record is made when it is: Lua looks at every byte of a text that it makes.
local function handle_of(r) return r.key:sub(9) end
local function use_of(r) return r.u:sub(UID_HASH + 1) end
local function used_at(r) return (struct.unpack('>I6', r.u, UID_HASH + 1)) end
local function account_key(prefix, r) return prefix .. r.key:sub(4, 8) .. ':' .. r.uid_hash end

-- Puts the session into its account's set until `gone_at`; the set lives as long as its longest-living member. Scores are
-- whole seconds, rounded up, because they take half the memory: who reads the set asks the records (siblings.lua).
local function enlist(r, gone_at)
  local set = account_key('cs:u:', r)
  redis.call('ZADD', set, math.ceil(gone_at / 1000), handle_of(r))
  local longest = redis.call('ZRANGE', set, -1, -1, 'WITHSCORES')
  expire(set, longest[2] * 1000)
end

local function tombstone(key) return 'cs:rv:' .. key:sub(4, 8) .. ':' .. key:sub(9) end
local function subscription(key) return 'cs:ps:' .. key:sub(4, 8) .. ':' .. key:sub(9) end

local function remove(r)
  redis.call('DEL', r.key)
  if r.n then redis.call('DEL', subscription(r.key)) end
  redis.call('ZREM', account_key('cs:u:', r), handle_of(r))
end

-- Revokes: from here on every token of the session is refused, for as long as one could live.
local function bury(r, reason, now)
  remove(r)
  redis.call('SET', tombstone(r.key), reason, 'PX', math.max(r.x - now, SHORTEST_TOMBSTONE))
end

-- A session as the replies carry it: handle, kind, created, e, x, scopes.
local function facts(r)
  return { handle_of(r), KIND[r.kind], r.created, r.e, r.x, r.scopes }
end
