-- KEYS: accounts. ARGV: prefix of the buckets, seconds to keep them, what to remove (all, account, none), the account;
-- then for each new bucket its account, field and value.
local prefix, idle, removed = ARGV[2], ARGV[3], ARGV[4]
if removed == 'all' then
  for _, account in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('DEL', prefix .. account) end
  redis.call('DEL', KEYS[1])
elseif removed == 'account' then
  redis.call('DEL', prefix .. ARGV[5])
  redis.call('ZREM', KEYS[1], ARGV[5])
end
for place = 6, #ARGV, 3 do
  local account, field, value = unpack(ARGV, place, place + 2)
  redis.call('HSET', prefix .. account, field, value)
  redis.call('EXPIRE', prefix .. account, idle)
  redis.call('ZADD', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2]), account)
end
return 1
