-- KEYS: accounts by the time of their last change. ARGV: prefix of the values; the account, or all without one.
local accounts = ARGV[3] and {ARGV[3]} or redis.call('ZRANGE', KEYS[1], 0, -1)
for _, account in ipairs(accounts) do
  redis.call('DEL', ARGV[2] .. account)
  redis.call('ZREM', KEYS[1], account)
end
return 1
