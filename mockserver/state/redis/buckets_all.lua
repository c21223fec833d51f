-- KEYS: accounts. ARGV: prefix of the buckets. Returns account, field and value of each bucket.
local found = {}
for _, account in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local fields = redis.call('HGETALL', ARGV[2] .. account)
  for place = 1, #fields, 2 do
    found[#found + 1], found[#found + 2], found[#found + 3] = account, fields[place], fields[place + 1]
  end
end
return found
