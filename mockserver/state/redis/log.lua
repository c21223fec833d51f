-- A log. KEYS[1] has its numbers: version, deletions, next place, bytes, dropped entries. The other keys begin with it.
-- An entry is the lengths of its parts in a line (account: -1 for none), and the parts without spaces between them.

local numbers = KEYS[1]
local entries, places, versions = numbers .. ':entries', numbers .. ':places', numbers .. ':versions'
local ids, wake, waiting = numbers .. ':ids', numbers .. ':wake', numbers .. ':waiting'

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

-- Reads the numbers. They begin with a time, so that a log that begins anew, because Redis has lost its data, has higher
-- ones.
local function begin()
  local found = redis.call('HMGET', numbers, 'version', 'deletions', 'next', 'bytes', 'dropped', 'entries')
  if not found[1] then
    local base = time[1] .. string.format('%06d', time[2])
    found = {base, base, base, 0, 0, 0}
  end
  local state = {}
  for number, name in ipairs({'version', 'deletions', 'next', 'bytes', 'dropped', 'entries'}) do
    state[name] = tonumber(found[number])
  end
  state.version = state.version + 1
  return state
end

local function put(state, place, id, account, owner, data, overhead)
  local version = whole(state.version)
  redis.call('HSET', entries, place, packed(version, id, account, owner, data))
  redis.call('ZADD', versions, version, place)
  state.bytes = state.bytes + #data + overhead
end

-- Adds an entry with a new place.
local function add_entry(state, place, id, account, owner, data, overhead, idle)
  put(state, place, id, account, owner, data, overhead)
  redis.call('ZADD', places, place, place)
  redis.call('ZADD', of(account), place, place)
  redis.call('EXPIRE', of(account), idle)
  if redis.call('HSETNX', ids, id, place) == 0 then
    redis.call('HSET', ids, id, redis.call('HGET', ids, id) .. ' ' .. place)
  end
  state.entries = state.entries + 1
end

local function remove(state, place, overhead)
  local entry = redis.call('HGET', entries, place)
  local id, account, owner, head = unpacked(entry)
  redis.call('HDEL', entries, place)
  redis.call('ZREM', places, place)
  redis.call('ZREM', versions, place)
  redis.call('ZREM', of(account), place)
  state.bytes = state.bytes - (#entry - head) - overhead
  state.entries = state.entries - 1
  local same = redis.call('HGET', ids, id)
  if same == place then
    redis.call('HDEL', ids, id)
  elseif same then
    local others = {}
    for each in string.gmatch(same, '%S+') do
      if each ~= place then others[#others + 1] = each end
    end
    redis.call('HSET', ids, id, table.concat(others, ' '))
  end
end

local function delete(state, account, overhead)
  state.deletions = state.deletions + 1
  local gone = redis.call('ZRANGE', account == nil and places or of(account), 0, -1)
  for _, place in ipairs(gone) do
    if redis.call('HEXISTS', entries, place) == 1 then remove(state, place, overhead) end
  end
  if account == nil then state.dropped = 0 end
  return #gone
end

-- Drops the oldest entries beyond the bounds, writes the numbers, and wakes those who wait.
local function finish(state, most, most_bytes, overhead, idle)
  while state.entries > tonumber(most) or state.bytes > tonumber(most_bytes) do
    remove(state, redis.call('ZRANGE', places, 0, 0)[1], overhead)
    state.dropped = state.dropped + 1
  end
  local written = {}
  for name, number in pairs(state) do
    written[#written + 1], written[#written + 2] = name, whole(number)
  end
  redis.call('HSET', numbers, unpack(written))
  if redis.call('EXISTS', waiting) == 1 then
    redis.call('XADD', wake, 'MAXLEN', 1, whole(state.version) .. '-0', 'changed', '')
    redis.call('EXPIRE', wake, idle)
  end
  if redis.call('TTL', numbers) < idle * 0.99 then
    for _, key in ipairs({numbers, entries, places, versions, ids}) do redis.call('EXPIRE', key, idle) end
  end
end
