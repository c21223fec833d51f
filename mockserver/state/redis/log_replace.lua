-- ARGV: most entries, most bytes, overhead of an entry, seconds to keep them; place, owner, data.
local before = redis.call('HGET', entries, ARGV[6])
if not before then return 0 end
local id, account, _, head = unpacked(before)
local version = next_version()
redis.call('HINCRBY', numbers, 'bytes', head - #before - ARGV[4])
put(ARGV[6], version, id, account, ARGV[7], ARGV[8], ARGV[4])
finish(version, ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return 1
