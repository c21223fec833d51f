-- ARGV: process, seconds to keep a room, most rooms; kind, account, key. Returns the changes.
remove(ARGV[5] .. '\n' .. ARGV[6], ARGV[7])
return finish(ARGV[2], ARGV[3], ARGV[4])
