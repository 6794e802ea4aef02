#!lua
-- Notes where, on what and when sessions were last used, and moves their ends on as a presentation would.
-- KEYS[i]  cs:{tag}<handle>   hash, the session of note i
-- ARGV[1]  '0', or a pinned clock for tests, ms
-- ARGV[2..] two a note: how long ago it was used, ms; use: user agent hash (6 bytes) ‖ address (0, 4 or 16)
-- Returns  the handles that were alive
-- Invariant: a session that is gone stays gone; an older note never replaces a newer one.
local now = clock(ARGV[1])
local alive = {}
for i = 1, #KEYS do
  local r = read(KEYS[i])
  if r and now < r.e then
    alive[#alive + 1] = handle_of(r)
    local used, before, ended = now - tonumber(ARGV[2 * i]), used_at(r), r.e
    if used >= before or before > now then
      redis.call('HSET', r.key, 'u', r.uid_hash .. struct.pack('>I6', used) .. ARGV[2 * i + 1])
      slide(r, used)
      save(r, ended)
    end
  end
end
return alive
