-- Returns version, deletions, next place, bytes, dropped entries, number of entries; first and last place, if any.
local state = redis.call('HMGET', numbers, 'version', 'deletions', 'next', 'bytes', 'dropped', 'entries')
for place = 1, 6 do state[place] = state[place] or '0' end
state[7] = redis.call('ZRANGE', places, 0, 0)[1]
state[8] = redis.call('ZRANGE', places, -1, -1)[1]
return state
