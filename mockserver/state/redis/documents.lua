-- The values by kind, account and key. KEYS[1] is the beginning of their keys, KEYS[2] that of the blobs.
-- A room has the values of a kind and account: its name is both, with a line break between them.

local base, blobs = KEYS[1], KEYS[2]
local rooms, sizes, place, stream = base .. ':rooms', base .. ':sizes', base .. ':place', base .. ':changes'
local arriving, unnamed, counts = blobs .. ':arriving', blobs .. ':unnamed', blobs .. ':counts'
local now = time[1] * 1000000 + time[2]
local stamp = string.format('%.0f', now)

local changes, changed_accounts, changed_counts = {}, {}, {}

local function values_of(room) return base .. ':values:' .. room end
local function order_of(room) return base .. ':order:' .. room end
local function names_of(room) return base .. ':names:' .. room end
local function version_of(account) return base .. ':version:' .. account end
local function blob(id) return blobs .. ':' .. id end

local function kind_and_account(room)
  local line_break = string.find(room, '\n', 1, true)
  return string.sub(room, 1, line_break - 1), string.sub(room, line_break + 1)
end

local function use(room) redis.call('ZADD', rooms, 'XX', stamp, room) end

-- Counts the values that name blobs (ids with spaces between them).
local function count(ids, by)
  for id in string.gmatch(ids or '', '%S+') do
    changed_counts[id] = (changed_counts[id] or 0) + by
  end
end

local function note(room, key, before, is_kept)
  local kind, account = kind_and_account(room)
  changed_accounts[account] = true
  changes[#changes + 1] = {kind, account, key, before, is_kept}
end

local function replace(room, key, value, names)
  local before = redis.call('HGET', values_of(room), key)
  redis.call('HINCRBY', sizes, room, #value - (before and #before or 0))
  redis.call('HSET', values_of(room), key, value)
  if not before then redis.call('ZADD', order_of(room), redis.call('INCR', place), key) end
  count(names, 1)
  count(redis.call('HGET', names_of(room), key), -1)
  if names == '' then
    redis.call('HDEL', names_of(room), key)
  else
    redis.call('HSET', names_of(room), key, names)
  end
  redis.call('ZADD', rooms, stamp, room)
  note(room, key, before, 1)
end

local function remove(room, key)
  local before = redis.call('HGET', values_of(room), key)
  if not before then return 0 end
  count(redis.call('HGET', names_of(room), key), -1)
  redis.call('HDEL', values_of(room), key)
  redis.call('HDEL', names_of(room), key)
  redis.call('ZREM', order_of(room), key)
  redis.call('HINCRBY', sizes, room, -#before)
  if redis.call('EXISTS', values_of(room)) == 0 then
    redis.call('ZREM', rooms, room)
    redis.call('HDEL', sizes, room)
  end
  note(room, key, before, 0)
  return 1
end

local function clear(room)
  for _, key in ipairs(redis.call('ZRANGE', order_of(room), 0, -1)) do remove(room, key) end
end

-- Stores a value, and removes the oldest of its room if necessary.
local function put(room, key, value, names, most, most_bytes)
  replace(room, key, value, names)
  if #value > tonumber(most_bytes) then remove(room, key) end
  while redis.call('ZCARD', order_of(room)) > tonumber(most)
    or tonumber(redis.call('HGET', sizes, room) or 0) > tonumber(most_bytes) do
    remove(room, redis.call('ZRANGE', order_of(room), 0, 0)[1])
  end
end

local function reset(account)
  for _, room in ipairs(redis.call('ZRANGE', rooms, 0, -1)) do
    local _, of = kind_and_account(room)
    if account == nil or of == account then clear(room) end
  end
end

-- Removes the rooms that were used least recently: beyond their number, and after the time in which they were not used.
local function evict(most, idle)
  local idle_rooms = redis.call('ZRANGEBYSCORE', rooms, '-inf', string.format('%.0f', now - idle * 1000000), 'LIMIT', 0, 4)
  for _, room in ipairs(idle_rooms) do clear(room) end
  local beyond = redis.call('ZCARD', rooms) - most
  if beyond > 0 then
    for _, room in ipairs(redis.call('ZRANGE', rooms, 0, beyond - 1)) do clear(room) end
  end
end

-- A blob expires unless a value names it; one that no value names any more is deleted, or noted if it is not in Redis.
-- Returns whether some were noted.
local function count_blobs()
  local noted = 0
  for id, by in pairs(changed_counts) do
    local left = redis.call('HINCRBY', counts, id, by)
    if left > 0 then
      redis.call('PERSIST', blob(id))
      redis.call('PERSIST', blob(id) .. ':pieces')
      redis.call('ZREM', arriving, id)
    else
      redis.call('HDEL', counts, id)
      if string.sub(redis.call('GET', blob(id)) or '', 1, 7) == 'outside' then
        redis.call('SADD', unnamed, id)
        noted = 1
      end
      redis.call('DEL', blob(id))
      redis.call('EXPIRE', blob(id) .. ':pieces', 60)  -- for those who are reading it
    end
  end
  return noted
end

-- Ends a change. Returns whether blobs outside of Redis are to be deleted; then kind, account, key, value before, and
-- whether there is a value after, of all that has changed.
local function finish(by, idle, most_rooms)
  evict(tonumber(most_rooms), tonumber(idle))
  local answer, announced = {count_blobs()}, {}
  for _, change in ipairs(changes) do
    local kind, account, key, before, is_kept = unpack(change)
    for _, part in ipairs({kind, account, key, before or '', is_kept}) do answer[#answer + 1] = part end
    announced[#announced + 1] = {kind, account, key}
  end
  for account in pairs(changed_accounts) do
    redis.call('INCR', version_of(account))
    redis.call('EXPIRE', version_of(account), idle)
  end
  if #announced > 0 then
    redis.call('XADD', stream, 'MAXLEN', '~', 10000, '*', 'by', by, 'changes', cjson.encode(announced))
    redis.call('EXPIRE', stream, idle)
  end
  return answer
end

local function is_changed(account, version)
  return version ~= '' and (redis.call('GET', version_of(account)) or '0') ~= version
end
