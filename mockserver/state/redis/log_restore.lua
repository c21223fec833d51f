-- ARGV: most entries, most bytes, overhead of an entry, seconds to keep them; the account as =NAME, or empty for all; then
-- for each entry its id, account as =NAME or empty, and data.
local state = begin()
delete(state, ARGV[6] ~= '' and string.sub(ARGV[6], 2) or nil, ARGV[4])
local first = redis.call('ZRANGE', places, 0, 0)[1] or state.next
local place = first - (#ARGV - 6) / 3
for entry = 7, #ARGV, 3 do
  local account = ARGV[entry + 1] ~= '' and string.sub(ARGV[entry + 1], 2)
  add_entry(state, whole(place), ARGV[entry], account, '', ARGV[entry + 2], ARGV[4], ARGV[5])
  place = place + 1
end
finish(state, ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return 1
