-- KEYS: the blob, its pieces. ARGV: seconds to keep them, a piece. Appends a piece.
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
