-- KEYS: accounts. ARGV: prefix of the buckets, account, now, greatest difference of clocks, 1 to take in any case, seconds
-- to keep them; then for each draw its field, amount and window of its limit, debt above which it must wait, what it adds.
-- Returns whether the draws were taken, and the debt and time of each bucket.
local prefix, account, now, skew, always, idle = unpack(ARGV, 2, 7)
local key, fields, kept = prefix .. account, {}, {}
for place = 8, #ARGV, 5 do fields[#fields + 1] = ARGV[place] end
local values = redis.call('HMGET', key, unpack(fields))

local debts, lags, taken, is_known = {}, {}, {}, false
local is_admitted = true
for number, value in ipairs(values) do
  local amount, window, most, more = unpack(ARGV, 4 + 5 * number, 7 + 5 * number)
  local debt, lag = '0', '0'
  if value then
    local held, at, refill = parsed(value)
    debt, lag, is_known = refilled(held, at, refill, now), above(at, now), true
    if held == '0' or less(skew, lag) then lag = '0' end
  end
  debts[number], lags[number] = debt, lag
  if is_negative(more) then
    taken[number] = minus(debt, opposite(more))
  else
    taken[number] = add(debt, more)
    -- A wait of less than a millisecond counts as none. The lag is a part of the wait.
    if lag ~= '0' then
      most = less(lag, '1000') and minus(most, times(amount, lag)) or add(minus(most, times(amount, '1000')), '1')
    end
    is_admitted = is_admitted and less(taken[number], most)
  end
end

is_admitted = is_admitted or always == '1'
local answer = {is_admitted and 1 or 0}
for number, field in ipairs(fields) do
  local debt = is_admitted and taken[number] or debts[number]
  local at = lags[number] == '0' and now or sum(now, lags[number])
  kept[#kept + 1] = field
  kept[#kept + 1] = table.concat({debt, at, ARGV[4 + 5 * number], ARGV[5 + 5 * number]}, ' ')
  answer[#answer + 1], answer[#answer + 2] = debt, at
end
if not is_known and redis.call('EXISTS', key) == 0 then sweep(KEYS[1], prefix, account, now) end
redis.call('HSET', key, unpack(kept))
redis.call('EXPIRE', key, idle)
return answer
