-- KEYS: the blob, its pieces, blobs that arrive outside of Redis. ARGV: seconds to keep it, where and how large it is.
if string.sub(ARGV[3], 1, 5) == 'redis' then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2])
return 1
