-- Judges presentations of sessions, all those of one event-loop turn, one after the other.
-- KEYS[i]     cs:{tag}<handle>   hash, the session of presentation i; one may come several times
-- ARGV[1]     '0', or a pinned clock for tests, ms
-- ARGV[2..5]  G, Z, Y in ms, R (rotation.lua)
-- ARGV[6]     what a fork or a replay does: 'revoke' or 'reject'
-- ARGV[7]     of each presentation 31 characters: 'v', 'r' or 'f', the mode (verify, rotate, force); generation (5) and branch
--             (2); generation (5) and branches (2) that the caller remembers to have handed out (0, 0: none), all of them
--             in digits of seven bits, highest first; uid hash that the client claims (16; blanks: none)
-- Returns     {facts, ...}: what there is to say of all that were accepted, in one text, as both sides pay for each element of a
--             reply; then one element a presentation, in order. That is, where it was accepted, the account document, which
--             stays out of the text because Lua looks at every byte of a text that it makes; its FACTS: the letter of
--             'rotated', 'reissued', 'current' or 'accepted', and of the kind; generation and branch to hand out; ms since
--             c was handed out, ms until the session ends; created, e and x; then, each behind its length, '' or 'repaired'
--             or 'fast-forwarded', and the scopes.
--             Where it was refused, it is {'unknown'}, {'revoked', why}, {'mismatch'}, {'expired'}, {'suspended'},
--             {'fault', error}, or {verdict, what was repaired, account document, facts, its last use}, where verdict is
--             'fork', 'replay', 'reissue-limit' or 'ahead'
-- Invariant:  a refused presentation hands nothing out; a session that is gone is not written; an error means that
--             nothing of its presentation was written.
local now = clock(ARGV[1])
local policy = { G = tonumber(ARGV[2]), Z = tonumber(ARGV[3]), Y = tonumber(ARGV[4]), R = tonumber(ARGV[5]) }
local revokes = { fork = ARGV[6] == 'revoke', replay = ARGV[6] == 'revoke', ['reissue-limit'] = true }
local ASKED, CLAIMED = 31, 15
local MODE = { [('v'):byte()] = 'verify', [('r'):byte()] = 'rotate', [('f'):byte()] = 'force' }
local NOBODY = (' '):byte()
local FACTS = '<c1c1I4BdddddBc0I4c0'
local LETTER = { rotated = 'r', reissued = 'i', current = 'c', accepted = 'a' }

-- The reply to presentation i, and its facts if that is an acceptance.
local function present(i)
  local r = read(KEYS[i])
  if not r then -- 0
    local why = redis.call('GET', tombstone(KEYS[i]))
    if why then return { 'revoked', why } end
    return { 'unknown' }
  end

  local at = (i - 1) * ASKED
  local mode, n4, n3, n2, n1, n0, b1, b0, c4, c3, c2, c1, c0, k1, k0, claimed = ARGV[7]:byte(at + 1, at + CLAIMED + 1)
  if claimed ~= NOBODY and ARGV[7]:sub(at + CLAIMED + 1, at + ASKED) ~= r.uid_hash then return { 'mismatch' } end
  if now >= r.e then -- 1
    if r.kind ~= 'j' then remove(r) end -- an expired jwt stays listed until its record goes by itself
    return { 'expired' }
  end
  local account = redis.call('HMGET', account_key('cs:a:', r), 'doc', 'sus', 'nb')
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
    local floor_c, floor_k = (((c4 * 128 + c3) * 128 + c2) * 128 + c1) * 128 + c0, k1 * 128 + k0
    n, b = (((n4 * 128 + n3) * 128 + n2) * 128 + n1) * 128 + n0, b1 * 128 + b0
    verdict, n, b, event = judge(r, n, b, MODE[mode], floor_c, floor_k, policy, now)
  end
  if revokes[verdict] then
    bury(r, verdict, now)
  else
    if LETTER[verdict] then slide(r, now, n > 0) end
    save(r, ended)
  end
  if not LETTER[verdict] then return { verdict, event, account[1], facts(r), use_of(r) } end
  return account[1], struct.pack(FACTS, LETTER[verdict], r.kind, n, b, now - r.t, r.e - now, r.created, r.e, r.x,
    #event, event, #r.scopes, r.scopes)
end

-- What is too long or too short by a character would be read as what was asked of somebody else.
if #ARGV[7] ~= #KEYS * ASKED then return redis.error_reply('ERR a presentation is asked in ' .. ASKED .. ' characters') end

local accepted, replies = {}, { '' }
for i = 1, #KEYS do
  local ok, reply, of_accepted = pcall(present, i)
  replies[i + 1] = ok and reply or { 'fault', type(reply) == 'table' and reply.err or reply }
  accepted[#accepted + 1] = of_accepted
end
replies[1] = table.concat(accepted)
return replies
