-- KEYS: about the log, stream. ARGV: number, snapshot.
local number = tonumber(ARGV[2])
if number > tonumber(redis.call('HGET', KEYS[1], 'included') or 0) then
  redis.call('HSET', KEYS[1], 'included', ARGV[2], 'snapshot', ARGV[3])
  redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f-0', number + 1))
end
return 1
