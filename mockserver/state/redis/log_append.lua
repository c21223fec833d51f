-- ARGV: most entries, most bytes, overhead of an entry, seconds to keep them; id, account as =NAME or empty, owner, data.
-- Returns the place.
local state = begin()
local account, place = ARGV[7] ~= '' and string.sub(ARGV[7], 2), whole(state.next)
state.next = state.next + 1
add_entry(state, place, ARGV[6], account, ARGV[8], ARGV[9], ARGV[4], ARGV[5])
finish(state, ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return place
