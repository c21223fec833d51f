-- The arithmetic of bucket.py. A bucket is a field of its account: the debt, its time, the amount and window of its limit.

local function parsed(value)
  return string.match(value, '^(%S+) (%S+) (%S+)')
end

local function refilled(debt, at, amount, now)
  if debt == '0' then return debt end
  local passed = above(now, at)
  return passed == '0' and debt or minus(debt, times(passed, amount))
end

-- Removes the buckets of two other accounts if they are full. All accounts are examined in turn.
local function sweep(accounts, prefix, account, now)
  local stamp = string.format('%.0f', time[1] * 1000000 + time[2])
  local oldest = redis.call('ZRANGE', accounts, 0, 1)
  redis.call('ZADD', accounts, stamp, account)
  for _, each in ipairs(oldest) do
    local in_use = each == account
    for _, value in ipairs(in_use and {} or redis.call('HVALS', prefix .. each)) do
      local debt, at, amount = parsed(value)
      in_use = in_use or refilled(debt, at, amount, now) ~= '0'
    end
    if in_use then
      redis.call('ZADD', accounts, stamp, each)
    else
      redis.call('DEL', prefix .. each)
      redis.call('ZREM', accounts, each)
    end
  end
end
