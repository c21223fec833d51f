-- ARGV: kind or empty; the account as =NAME, or empty for all. Returns kind, account, key and value of each, oldest first.
local found = {}
for _, room in ipairs(redis.call('ZRANGE', rooms, 0, -1)) do
  local kind, account = kind_and_account(room)
  if (ARGV[2] == '' or ARGV[2] == kind) and (ARGV[3] == '' or ARGV[3] == '=' .. account) then
    for _, key in ipairs(redis.call('ZRANGE', order_of(room), 0, -1)) do
      for _, part in ipairs({kind, account, key, redis.call('HGET', values_of(room), key)}) do
        found[#found + 1] = part
      end
    end
    if ARGV[2] ~= '' and ARGV[3] ~= '' then use(room) end
  end
end
return found
