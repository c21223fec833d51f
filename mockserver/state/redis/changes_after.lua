-- KEYS: about the log, stream. ARGV: number.
local number = tonumber(ARGV[2])
local about = redis.call('HMGET', KEYS[1], 'base', 'latest', 'included')
local latest, included = tonumber(about[2] or 0), tonumber(about[3] or 0)
if number < included or number > latest then return false end
if number > 0 and number < tonumber(about[1]) then return false end
return redis.call('XRANGE', KEYS[2], '(' .. ARGV[2] .. '-0', '+')
