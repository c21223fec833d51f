-- ARGV: id; the account as =NAME, or all without one. Returns place and entry of the latest.
local latest, found = nil, false
for place in string.gmatch(redis.call('HGET', ids, ARGV[2]) or '', '%S+') do
  local entry = redis.call('HGET', entries, place)
  local _, account = unpacked(entry)
  local is_of = not ARGV[3] or (account and '=' .. account == ARGV[3])
  if is_of and (not latest or tonumber(place) > latest) then latest, found = tonumber(place), {place, entry} end
end
return found
