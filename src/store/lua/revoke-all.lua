#!lua flags=allow-oom
-- Ends all sessions of an account, or all but one.
-- KEYS[1]  cs:u:{tag}:<uid hash>   zset, the account's sessions
-- ARGV[1]  '0', or a pinned clock for tests, ms
-- ARGV[2]  why, kept in the tombstones
-- ARGV[3]  handle of the session to spare, '' for none
-- Returns  the handles of those that it ended
-- Invariant: once this has answered, no token of any of them is accepted, whatever runs beside it.
local now = clock(ARGV[1])
local ended = {}
for _, r in ipairs(members(KEYS[1], 0, now)) do
  if handle_of(r) ~= ARGV[3] then
    bury(r, ARGV[2], now)
    ended[#ended + 1] = handle_of(r)
  end
end
return ended
