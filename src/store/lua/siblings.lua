-- The sessions of one account, read together: in front of the scripts that list, cap or end them.

-- When it was last used, as far as anything here shows it.
local function last_used(r)
  return math.max(used_at(r), r.t, r.a)
end

local function less_recent(r, other)
  local used, used_other = last_used(r), last_used(other)
  if used ~= used_other then return used < used_other end
  if r.created ~= other.created then return r.created < other.created end
  return handle_of(r) < handle_of(other)
end

-- Takes out what is over by its score, without looking at records.
local function prune(set, now)
  local ended = math.floor(now / 1000)
  if redis.call('ZCOUNT', set, '-inf', ended) > 0 then redis.call('ZREMRANGEBYSCORE', set, '-inf', ended) end
end

-- The handles in an account's set; of `only`, if it is named, that one or none.
local function handles_in(set, only)
  if not only then return redis.call('ZRANGE', set, 0, -1) end
  return redis.call('ZSCORE', set, only) and { only } or {}
end

-- The records of an account's set, or `only` that one. Those that are over are taken out: without a record, expired (an expired
-- jwt stays until its record goes), or from before `not_before`.
local function members(set, not_before, now, only)
  local records = {}
  for _, handle in ipairs(handles_in(set, only)) do
    local r = read('cs:' .. set:sub(6, 10) .. handle)
    if not r then
      redis.call('ZREM', set, handle)
    elseif now >= r.e and r.kind ~= 'j' then
      remove(r)
    elseif r.created < not_before then
      bury(r, 'cut-off', now)
    else
      records[#records + 1] = r
    end
  end
  return records
end
