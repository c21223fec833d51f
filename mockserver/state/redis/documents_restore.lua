-- ARGV: process, seconds to keep a room, most rooms, most values and bytes of a room; the version of the account that is
-- expected or empty, the account as =NAME, or empty for all; then for each value its kind, account, key, value, and the
-- ids of its blobs.
-- Returns the changes; nothing if the account has another version.
local account = ARGV[8] ~= '' and string.sub(ARGV[8], 2) or nil
if is_changed(account or '', ARGV[7]) then return false end
reset(account)
for place = 9, #ARGV, 5 do
  local kind, of, key, value, names = unpack(ARGV, place, place + 4)
  put(kind .. '\n' .. of, key, value, names, ARGV[5], ARGV[6])
end
return finish(ARGV[2], ARGV[3], ARGV[4])
