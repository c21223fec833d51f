-- KEYS: about the log, stream. ARGV: change.
if redis.call('HEXISTS', KEYS[1], 'latest') == 0 then
  local base = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
  redis.call('HSET', KEYS[1], 'base', base, 'latest', base)
end
local number = redis.call('HINCRBY', KEYS[1], 'latest', 1)
redis.call('XADD', KEYS[2], string.format('%.0f-0', number), 'change', ARGV[2])
return number
