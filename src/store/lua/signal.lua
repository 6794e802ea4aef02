-- How an account that changed is told to whoever keeps what it knows of it: in front of the scripts that change one.

-- A key of the tracked prefix that is set and deleted is told once, when the script is over. If it were left to expire, that
-- would be told, too, and once more all of it forgotten.
local function tell_of(account_key)
  local signal = 'cs:rv:' .. account_key:sub(6, 11) .. '@' .. account_key:sub(12)
  redis.call('SET', signal, '')
  redis.call('DEL', signal)
end
