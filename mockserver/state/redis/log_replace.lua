-- ARGV: most entries, most bytes, overhead of an entry, seconds to keep them; place, owner, data.
local before = redis.call('HGET', entries, ARGV[6])
if not before then return 0 end
local id, account, _, head = unpacked(before)
local state = begin()
state.bytes = state.bytes - (#before - head) - ARGV[4]
put(state, ARGV[6], id, account, ARGV[7], ARGV[8], ARGV[4])
finish(state, ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return 1
