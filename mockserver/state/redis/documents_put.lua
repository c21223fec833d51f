-- ARGV: process, seconds to keep a room, most rooms, most values and bytes of a room; expected version of the account or
-- empty, kind, account, key, value, ids of its blobs, 1 to remove old values if necessary.
-- Returns the changes; nothing if the account has another version.
local by, idle, most_rooms, most, most_bytes, version, kind, account, key, value, names, evicts = unpack(ARGV, 2)
if is_changed(account, version) then return false end
local room = kind .. '\n' .. account
if evicts == '1' then
  put(room, key, value, names, most, most_bytes)
else
  replace(room, key, value, names)
end
return finish(by, idle, most_rooms)
