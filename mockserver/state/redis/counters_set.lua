-- KEYS: value, accounts by the time of their last change.
-- ARGV: expected value (empty: none), new value, account, seconds to keep it, most accounts, prefix of the values.
-- Returns the value if it is not the expected one.
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[2] then return found end
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[4])
  return false
end
local now = time[1] * 1000000 + time[2]
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[5])
if redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[4]) == 1 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[5] * 1000000))
  while redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[6]) do
    redis.call('DEL', ARGV[7] .. redis.call('ZPOPMIN', KEYS[2])[1])
  end
end
return false
