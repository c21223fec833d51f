-- ARGV: kind, account, key. Returns the value, or nothing, and the version of the account.
local room = ARGV[2] .. '\n' .. ARGV[3]
use(room)
return {redis.call('HGET', values_of(room), ARGV[4]), redis.call('GET', version_of(ARGV[3])) or '0'}
