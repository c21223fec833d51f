-- ARGV: place before the first; place after the last; the most entries, the last of them if negative, or 0 for all; the
-- account as =NAME, or all without one. Returns place and entry of each.
local set = ARGV[5] and numbers .. ':of' .. ARGV[5] or places
local least, most, number = '(' .. ARGV[2], '(' .. ARGV[3], tonumber(ARGV[4])
local of_these = {}
if number < 0 then
  local latest = redis.call('ZREVRANGEBYSCORE', set, most, least, 'LIMIT', 0, -number)
  for each = #latest, 1, -1 do of_these[#of_these + 1] = latest[each] end
else
  of_these = redis.call('ZRANGEBYSCORE', set, least, most, 'LIMIT', 0, number == 0 and -1 or number)
end
local found = {}
for _, place in ipairs(of_these) do
  local entry = redis.call('HGET', entries, place)
  if entry then found[#found + 1], found[#found + 2] = place, entry end
end
return found
