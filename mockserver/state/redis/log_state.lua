-- Returns version, deletions, next place, bytes, dropped entries, number of entries; first and last place, if any.
local state = redis.call('HMGET', numbers, 'version', 'deletions', 'next', 'bytes', 'dropped')
for place = 1, 5 do state[place] = state[place] or '0' end
state[6] = redis.call('ZCARD', places)
state[7] = redis.call('ZRANGE', places, 0, 0)[1]
state[8] = redis.call('ZRANGE', places, -1, -1)[1]
return state
