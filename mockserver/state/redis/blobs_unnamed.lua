-- KEYS: the beginning of the keys of blobs. ARGV: seconds in which a blob outside of Redis must be named.
-- Returns the blobs outside of Redis that no value names any more, or none has named in this time.
local found = redis.call('SMEMBERS', KEYS[1] .. ':unnamed')
local limit = time[1] - ARGV[2]
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1] .. ':arriving', '-inf', limit)) do
  if redis.call('HEXISTS', KEYS[1] .. ':counts', id) == 0 then found[#found + 1] = id end
end
return found
