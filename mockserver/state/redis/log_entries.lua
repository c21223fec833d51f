-- ARGV: place before the first; version after which they have changed, or empty; the account as =NAME, or all without one.
-- Returns place and entry of each.
local found = {}
local function find(place)
  local entry = redis.call('HGET', entries, place)
  if entry then found[#found + 1], found[#found + 2] = place, entry end
end
if ARGV[3] == '' then
  local set = ARGV[4] and numbers .. ':of' .. ARGV[4] or places
  for _, place in ipairs(redis.call('ZRANGEBYSCORE', set, '(' .. ARGV[2], '+inf')) do find(place) end
  return found
end
local changed = redis.call('ZRANGEBYSCORE', versions, '(' .. ARGV[3], '+inf')
table.sort(changed, function(a, b) return tonumber(a) < tonumber(b) end)
local after = ARGV[2] == '-inf' and -math.huge or tonumber(ARGV[2])
for _, place in ipairs(changed) do
  local is_of = not ARGV[4] or redis.call('ZSCORE', numbers .. ':of' .. ARGV[4], place)
  if is_of and tonumber(place) > after then find(place) end
end
return found
