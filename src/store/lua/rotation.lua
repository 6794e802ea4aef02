-- The rotation machine: pure, in front of present.lua. `judge` changes `r`; the caller stores it.
--
--   c   highest generation handed out          t   when c was last handed out
--   a, p, o   when c, c-1, c-2 was first presented
--   s, q, q2, q3   the branch of c, c-1, c-2, c-3 that was presented; NONE: none yet, or unknown after a repair
--   k   branches of c handed out
--   policy   G rotate after, Z leeway, Y re-issue after (ms), R re-issues in a row
--
-- Z ≤ 2G makes three remembered times exact: what is older than c-3 was superseded more than Z ago.
local FURTHEST_AHEAD = 1000000
local CLOCK_SLACK = 1000

-- c becomes m, handed out now and not yet seen. Each generation passed over counts as first seen now, unless its time
-- is known: a rotation passes over one that was seen; a repair over those whose writes were lost.
local function advance(r, m, now)
  for _ = 1, math.min(m - r.c, 4) do
    r.o, r.p, r.a = r.p, r.s ~= NONE and r.a or now, 0
    r.q3, r.q2, r.q, r.s = r.q2, r.q, r.s, NONE
  end
  r.c, r.t, r.k = m, now, 1
end

-- Whether `b` is not the branch of its generation that was presented; the first to be seen becomes that.
local function forks(r, branch, b)
  if r[branch] == NONE then r[branch] = b end
  return r[branch] ~= b
end

-- Judges generation n, branch b, proved genuine by its MAC. `mode`: verify, rotate or force. `floor_c`, `floor_k`: what
-- the calling instance remembers to have handed out of this session, 0 when nothing. Numbers are rows of the table in
-- ARCHITECTURE.md.
-- Returns the verdict; for `rotated` and `reissued` the generation and branch to hand out; and what was repaired.
local function judge(r, n, b, mode, floor_c, floor_k, policy, now)
  local horizon, event = now + CLOCK_SLACK, ''
  if r.t > horizon then r.t = now end -- 2; p and o are never after t (record.lua)
  if r.a > horizon then r.a = now end

  if floor_c > r.c then -- 3
    advance(r, floor_c, now)
    r.k, event = floor_k, 'repaired'
  elseif floor_c == r.c and floor_k > r.k then
    r.k, r.t, event = floor_k, now, 'repaired'
  end

  if n > r.c + FURTHEST_AHEAD then return 'ahead', 0, 0, event end -- 4
  if n > r.c then -- 5
    advance(r, n, now)
    r.s, r.a, r.k = b, now, b + 1
    return 'current', 0, 0, 'fast-forwarded'
  end

  if n == r.c then
    local first_seen = r.s == NONE
    if first_seen then r.a = now end -- 6
    if forks(r, 's', b) then return 'fork', 0, 0, event end -- 9
    local due = now - r.t >= policy.G or (first_seen and n == 1)
    if mode == 'force' or (mode == 'rotate' and due) then -- 8
      advance(r, n + 1, now)
      return 'rotated', r.c, 0, event
    end
    return 'current', 0, 0, event -- 7
  end

  if n == r.c - 1 then
    if forks(r, 'q', b) then return 'fork', 0, 0, event end -- 10
    if r.s == NONE then
      if now - r.t <= policy.Y or mode == 'verify' then return 'accepted', 0, 0, event end -- 11
      if r.k > policy.R then return 'reissue-limit', 0, 0, event end -- 13
      r.k, r.t = r.k + 1, now -- 12
      return 'reissued', r.c, r.k - 1, event
    end
    if now - r.a <= policy.Z then return 'accepted', 0, 0, event end -- 14
  elseif n == r.c - 2 then -- 15; a fork is one however old its generation
    if forks(r, 'q2', b) then return 'fork', 0, 0, event end
    if now - r.p <= policy.Z then return 'accepted', 0, 0, event end
  elseif n == r.c - 3 then
    if forks(r, 'q3', b) then return 'fork', 0, 0, event end
    if now - r.o <= policy.Z then return 'accepted', 0, 0, event end
  end
  return 'replay', 0, 0, event -- 16
end
