-- ARGV: version after which they have changed; version after which they have not; how many of the last, or 0 for all; the
-- account as =NAME, or all without one. Returns place and entry of each.
local changed = {}
for _, place in ipairs(redis.call('ZRANGEBYSCORE', versions, '(' .. ARGV[2], ARGV[3])) do
  if not ARGV[5] or redis.call('ZSCORE', numbers .. ':of' .. ARGV[5], place) then changed[#changed + 1] = place end
end
table.sort(changed, function(a, b) return tonumber(a) < tonumber(b) end)
local found, most = {}, tonumber(ARGV[4])
for each = most == 0 and 1 or math.max(1, #changed - most + 1), #changed do
  local entry = redis.call('HGET', entries, changed[each])
  if entry then found[#found + 1], found[#found + 2] = changed[each], entry end
end
return found
