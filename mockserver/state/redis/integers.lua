-- Exact arithmetic of integers of any size, as decimal digits: Lua's numbers are exact below 2^53 only.

local EXACT, BASE, DIGITS = 9007199254740992, 10000000, 7

local function limbs(digits)
  local found = {}
  for last = #digits, 1, -DIGITS do
    found[#found + 1] = tonumber(string.sub(digits, math.max(1, last - DIGITS + 1), last))
  end
  return found
end

local function digits_of(parts)
  local first = #parts
  while first > 1 and parts[first] == 0 do first = first - 1 end
  local digits = {string.format('%d', parts[first])}
  for place = first - 1, 1, -1 do digits[#digits + 1] = string.format('%07d', parts[place]) end
  return table.concat(digits)
end

local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function add(a, b)
  local sum = tonumber(a) + tonumber(b)
  if sum < EXACT then return string.format('%.0f', sum) end
  local x, y, carry, parts = limbs(a), limbs(b), 0, {}
  for place = 1, math.max(#x, #y) + 1 do
    local part = (x[place] or 0) + (y[place] or 0) + carry
    carry = part >= BASE and 1 or 0
    parts[place] = part - carry * BASE
  end
  return digits_of(parts)
end

-- Returns a - b, or 0 if that is negative.
local function minus(a, b)
  if not less(b, a) then return '0' end
  local x = tonumber(a)
  if x < EXACT then return string.format('%.0f', x - tonumber(b)) end
  local parts, taken, borrow = limbs(a), limbs(b), 0
  for place = 1, #parts do
    local part = parts[place] - (taken[place] or 0) - borrow
    borrow = part < 0 and 1 or 0
    parts[place] = part + borrow * BASE
  end
  return digits_of(parts)
end

local function times(a, b)
  local product = tonumber(a) * tonumber(b)
  if product < EXACT then return string.format('%.0f', product) end
  local x, y, parts = limbs(a), limbs(b), {}
  for place = 1, #x + #y do parts[place] = 0 end
  for i = 1, #x do
    local carry = 0
    for j = 1, #y do
      local part = parts[i + j - 1] + x[i] * y[j] + carry
      carry = math.floor(part / BASE)
      parts[i + j - 1] = part - carry * BASE
    end
    parts[i + #y] = carry
  end
  return digits_of(parts)
end

local function is_negative(a) return string.byte(a) == 45 end

local function opposite(a)
  if is_negative(a) then return string.sub(a, 2) end
  return a == '0' and a or '-' .. a
end

-- Returns a - b of integers with signs, or 0 if that is negative.
local function above(a, b)
  if is_negative(a) then
    return is_negative(b) and minus(opposite(b), opposite(a)) or '0'
  end
  return is_negative(b) and add(a, opposite(b)) or minus(a, b)
end

-- Returns a + b of an integer with a sign and one without.
local function sum(a, b)
  if not is_negative(a) then return add(a, b) end
  local size = opposite(a)
  return less(b, size) and opposite(minus(size, b)) or minus(b, size)
end
