-- Replaces, creates or removes an account that is still as its writer read it.
-- KEYS[1]  cs:a:{tag}:<uid hash>   hash, the account
-- KEYS[2]  cs:ai:{tag}:<uid hash>  string, the intent of whoever is changing its login names
-- ARGV[1]  the document as read; '' when there was none
-- ARGV[2]  the document to write; '' removes the account
-- ARGV[3]  the intent that must still stand; '' when no login name is added
-- ARGV[4]  a password hash to go with a new account; '' for none
-- Returns 'written', or 'changed' when somebody else wrote first or the intent is over.
-- Invariant: no update is lost, and no account gains a login name after the intent under which it was claimed.
if (redis.call('HGET', KEYS[1], 'doc') or '') ~= ARGV[1] then return 'changed' end
if ARGV[3] ~= '' then
  if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 'changed' end
  redis.call('DEL', KEYS[2])
end

if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
  return 'written'
end

redis.call('HSET', KEYS[1], 'doc', ARGV[2])
if ARGV[1] == '' then
  -- Sessions of an earlier account of that uid, should any have survived it, are not the new owner's.
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'nb', time[1] * 1000 + math.floor(time[2] / 1000))
  if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'pw', ARGV[4]) end
end
return 'written'
