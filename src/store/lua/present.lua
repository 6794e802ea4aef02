-- Judges presentations of sessions, all those of one event-loop turn, one after the other.
-- KEYS[i]     cs:{tag}<handle>   hash, the session of presentation i; one may come several times
-- ARGV[1]     '0', or a pinned clock for tests, ms
-- ARGV[2..5]  G, Z, Y in ms, R (rotation.lua)
-- ARGV[6]     what a fork or a replay does: 'revoke' or 'reject'
-- ARGV[7..]   one a presentation, six words: generation, branch, mode ('verify', 'rotate', 'force'), generation and branches
--             that the caller remembers to have handed out (0, 0: none), uid hash that the client claims (may be empty)
-- Returns     one reply a presentation: {'unknown'}, {'revoked', why}, {'mismatch'}, {'expired'}, {'suspended'},
--             {'fault', error}; {verdict, '' or 'repaired' or 'fast-forwarded', account document, facts, its last use as
--             bytes}, where verdict is 'fork', 'replay', 'reissue-limit' or 'ahead'; or, an acceptance, one text, as both
--             sides pay for each element of an argument list or a reply: words between single spaces in one line, then the
--             account document. They are 'rotated', 'reissued', 'current' or 'accepted'; generation and branch to hand out; '' or 'repaired' or
--             'fast-forwarded'; ms since c was handed out, ms until the session ends; kind, created, e, x and the scopes
-- Invariant:  a refused presentation hands nothing out; a session that is gone is not written; an error means that
--             nothing of its presentation was written.
local now = clock(ARGV[1])
local policy = { G = tonumber(ARGV[2]), Z = tonumber(ARGV[3]), Y = tonumber(ARGV[4]), R = tonumber(ARGV[5]) }
local revokes = { fork = ARGV[6] == 'revoke', replay = ARGV[6] == 'revoke', ['reissue-limit'] = true }
local PRESENTATION = '^(%d+) (%d+) (%a+) (%d+) (%d+) (.*)$'
local ACCEPTANCE = '%s %d %d %s %d %d %s %d %d %d %s\n%s'
local goes_on = { rotated = true, reissued = true, current = true, accepted = true }

local function present(i)
  local r = read(KEYS[i])
  if not r then -- 0
    local why = redis.call('GET', tombstone(KEYS[i]))
    if why then return { 'revoked', why } end
    return { 'unknown' }
  end

  local generation, branch, mode, floor_c, floor_k, claimed = ARGV[6 + i]:match(PRESENTATION)
  if claimed ~= '' and claimed ~= r.uid_hash then return { 'mismatch' } end
  if now >= r.e then -- 1
    if r.kind ~= 'j' then remove(r) end -- an expired jwt stays listed until its record goes by itself
    return { 'expired' }
  end
  local account = redis.call('HMGET', 'cs:a:' .. r.place, 'doc', 'sus', 'nb')
  if not account[1] then
    remove(r)
    return { 'unknown' }
  end
  if account[2] then return { 'suspended' } end
  if account[3] and r.created < tonumber(account[3]) then
    bury(r, 'cut-off', now)
    return { 'revoked', 'cut-off' }
  end

  local verdict, n, b, event, ended = 'current', 0, 0, '', r.e
  if r.kind == 'r' then -- 2 to 16
    verdict, n, b, event = judge(r, tonumber(generation), tonumber(branch), mode,
      tonumber(floor_c), tonumber(floor_k), policy, now)
  end
  if revokes[verdict] then
    bury(r, verdict, now)
  else
    if goes_on[verdict] then slide(r, now, n > 0) end
    save(r, ended)
  end
  if not goes_on[verdict] then return { verdict, event, account[1], facts(r), { r.use:byte(1, -1) } } end
  return ACCEPTANCE:format(verdict, n, b, event, now - r.t, r.e - now, KIND[r.kind], r.created, r.e, r.x, r.scopes,
    account[1])
end

local replies = {}
for i = 1, #KEYS do
  local ok, reply = pcall(present, i)
  replies[i] = ok and reply or { 'fault', type(reply) == 'table' and reply.err or reply }
end
return replies
