-- ARGV: most entries, most bytes, overhead of an entry, seconds to keep them; the account as =NAME, or all without one.
local state = begin()
local count = delete(state, ARGV[6] and string.sub(ARGV[6], 2), ARGV[4])
finish(state, ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return count
