-- KEYS: accounts by the time of their last change. ARGV: prefix of the values.
local found = {}
for _, account in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local value = redis.call('GET', ARGV[2] .. account)
  if value then
    found[#found + 1], found[#found + 2] = account, value
  else
    redis.call('ZREM', KEYS[1], account)
  end
end
return found
