-- A log. KEYS[1] has its numbers: version, deletions, next place, bytes, dropped entries. The other keys begin with it.
-- An entry is the lengths of its parts in a line (account: -1 for none), and the parts without spaces between them.

local numbers = KEYS[1]
local entries, places, versions = numbers .. ':entries', numbers .. ':places', numbers .. ':versions'
local ids, wake = numbers .. ':ids', numbers .. ':wake'

local function whole(number) return string.format('%.0f', number) end

local function of(account) return numbers .. ':of' .. (account and '=' .. account or '') end

local function packed(version, id, account, owner, data)
  local lengths = string.format('%s %d %d %d\n', version, #id, account and #account or -1, #owner)
  return lengths .. id .. (account or '') .. owner .. data
end

-- Returns id, account (or false), owner, and the number of bytes before the data.
local function unpacked(entry)
  local line, id, account, owner = string.match(entry, '^(%d+ (%d+) (-?%d+) (%d+)\n)')
  local second = #line + id
  local third = second + math.max(0, account)
  local name = tonumber(account) >= 0 and string.sub(entry, second + 1, third)
  return string.sub(entry, #line + 1, second), name, string.sub(entry, third + 1, third + owner), third + owner
end

-- Numbers begin with a time, so that a log that begins anew, because Redis has lost its data, has higher numbers.
local function begin()
  if redis.call('EXISTS', numbers) == 0 then
    local base = time[1] .. string.format('%06d', time[2])
    redis.call('HSET', numbers, 'version', base, 'deletions', base, 'next', base, 'bytes', 0, 'dropped', 0)
  end
end

local function next_version() return whole(redis.call('HGET', numbers, 'version') + 1) end

local function put(place, version, id, account, owner, data, overhead)
  redis.call('HSET', entries, place, packed(version, id, account, owner, data))
  redis.call('ZADD', versions, version, place)
  redis.call('HINCRBY', numbers, 'bytes', #data + overhead)
end

-- Adds an entry with a new place.
local function add_entry(place, version, id, account, owner, data, overhead)
  put(place, version, id, account, owner, data, overhead)
  redis.call('ZADD', places, place, place)
  redis.call('ZADD', of(account), place, place)
  local same = redis.call('HGET', ids, id)
  redis.call('HSET', ids, id, same and same .. ' ' .. place or place)
end

local function remove(place, overhead)
  local entry = redis.call('HGET', entries, place)
  local id, account, owner, head = unpacked(entry)
  redis.call('HDEL', entries, place)
  redis.call('ZREM', places, place)
  redis.call('ZREM', versions, place)
  redis.call('ZREM', of(account), place)
  redis.call('HINCRBY', numbers, 'bytes', head - #entry - overhead)
  local others = {}
  for each in string.gmatch(redis.call('HGET', ids, id) or '', '%S+') do
    if each ~= place then others[#others + 1] = each end
  end
  if #others > 0 then
    redis.call('HSET', ids, id, table.concat(others, ' '))
  else
    redis.call('HDEL', ids, id)
  end
end

local function delete(account, overhead)
  redis.call('HINCRBY', numbers, 'deletions', 1)
  local gone = redis.call('ZRANGE', account == nil and places or of(account), 0, -1)
  for _, place in ipairs(gone) do
    if redis.call('HEXISTS', entries, place) == 1 then remove(place, overhead) end
  end
  if account == nil then redis.call('HSET', numbers, 'dropped', 0) end
  return #gone
end

-- Drops the oldest entries beyond the bounds, and wakes those who wait.
local function finish(version, most, most_bytes, overhead, idle)
  while redis.call('ZCARD', places) > tonumber(most)
    or tonumber(redis.call('HGET', numbers, 'bytes')) > tonumber(most_bytes) do
    remove(redis.call('ZRANGE', places, 0, 0)[1], overhead)
    redis.call('HINCRBY', numbers, 'dropped', 1)
  end
  redis.call('HSET', numbers, 'version', version)
  redis.call('XADD', wake, 'MAXLEN', 1, version .. '-0', 'changed', '')
  if redis.call('TTL', numbers) < idle * 0.99 then
    for _, key in ipairs({numbers, entries, places, versions, ids, wake}) do redis.call('EXPIRE', key, idle) end
  end
end
