-- Creates, replaces or removes an account that is still as its writer read it.
-- KEYS[1]  cs:a:{tag}:<uid hash>   hash, the account
-- KEYS[2]  cs:ai:{tag}:<uid hash>  string, the intent of whoever is giving it login names
-- ARGV[1]  the document as it was read, '' when there was none
-- ARGV[2]  the document to write, '' to remove the account
-- ARGV[3]  the intent that must still stand, '' when no login name is added
-- ARGV[4]  password hash of a new account, '' for none
-- Returns  'written', or 'changed' when somebody else wrote first or the intent is over
-- Invariant: no update is lost; no account gains a login name after the intent under which the name was claimed; whoever
--            keeps what it knows of the account hears that it changed, by the signal cs:rv:{tag}:@<uid hash>.
if (redis.call('HGET', KEYS[1], 'doc') or '') ~= ARGV[1] then return 'changed' end
if ARGV[3] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[3] then return 'changed' end

if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
elseif ARGV[1] ~= '' then
  redis.call('HSET', KEYS[1], 'doc', ARGV[2])
else
  -- Sessions of an earlier account of that uid, should any have survived it, are not the new owner's.
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'doc', ARGV[2], 'nb', time[1] * 1000 + math.floor(time[2] / 1000) + 1)
  if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'pw', ARGV[4]) end
end
if ARGV[3] ~= '' then redis.call('DEL', KEYS[2]) end
tell_of(KEYS[1])
return 'written'
