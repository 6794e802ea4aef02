-- Replaces a sealed ring of keys if it is still the one that its successor was made from.
-- KEYS[1]  cs:key-ring or cs:vapid   string, the sealed ring
-- ARGV[1]  the ring as read; '' when there was none
-- ARGV[2]  the ring to write
-- Returns 'replaced', or 'changed' when somebody else wrote first.
-- Invariant: of several instances that rotate at the same moment, one does.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 'changed' end
redis.call('SET', KEYS[1], ARGV[2])
return 'replaced'
