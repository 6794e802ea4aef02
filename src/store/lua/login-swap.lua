-- Replaces or removes a claim on a login name that is still as its reader saw it.
-- KEYS[1]  cs:login:{tag}:<hash>   string, the claim; or cs:ai:{tag}:<uid hash>, an intent
-- ARGV[1]  the value as it was read
-- ARGV[2]  the value to write, '' to remove it
-- Returns  'swapped' or 'changed'
-- Invariant: of several who found the same stale claim, one takes it over.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'changed' end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2])
end
return 'swapped'
