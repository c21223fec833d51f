-- KEYS: the blob, its pieces, numbers of values by blob. ARGV: id. Returns where it was, unless a value names it.
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then return false end
local place = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1], KEYS[2])
return place
