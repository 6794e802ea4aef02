-- How the end of a session moves on with its use: in front of the scripts that note one. It follows record.lua.
local FURTHEST_LATER = 10000

-- Used at `used`: the end moves on when that gains a thousandth of the idle life; it never comes nearer, and never
-- passes x. Jwts end at x from the start, so theirs stays. With a new token it moves on by a second at least, the
-- resolution of the wire: a client to whom answers come in the wrong order tells the newer token by its later end.
-- Tokens in quick succession bring the end up to FURTHEST_LATER further than the idle life, and then no more.
local function slide(r, used, hands_out)
  local till, step = used + r.idle, r.idle / 1000
  if hands_out and r.e <= till + FURTHEST_LATER - 1000 then till, step = math.max(till, r.e + 1000), 0 end
  till = math.min(till, r.x)
  if till - r.e >= step then r.e = till end
end

-- Writes what changed. HSET goes first: what may be refused (memory, replica) is refused before anything is written.
local function save(r, e_before)
  local packed = pack(r)
  if packed ~= r.packed then redis.call('HSET', r.key, 'r', packed) end
  if r.e ~= e_before then
    expire(r.key, r.e)
    if r.n then expire(subscription(r.key), r.e) end
    enlist(r, r.e)
  end
end
