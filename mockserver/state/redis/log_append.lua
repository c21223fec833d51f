-- ARGV: most entries, most bytes, overhead of an entry, seconds to keep them; id, account as =NAME or empty, owner, data.
-- Returns the place.
begin()
local account = ARGV[7] ~= '' and string.sub(ARGV[7], 2)
local version, place = next_version(), redis.call('HGET', numbers, 'next')
redis.call('HINCRBY', numbers, 'next', 1)
add_entry(place, version, ARGV[6], account, ARGV[8], ARGV[9], ARGV[4])
redis.call('EXPIRE', of(account), ARGV[5])
finish(version, ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return place
