-- Takes, renews or returns the lease of one run. Every taking gets a token greater than all before it.
--
-- KEYS[1]  the run's key `meta`
-- ARGV     `take`, owner (JSON), milliseconds, owner whose lease may be taken over ('' for nobody's)
--          `renew`, owner, milliseconds, token
--          `return`, '', '', token
-- returns  {word, token, owner}; the word is OK, HELD (by that owner) or LOST (somebody took it since)

local meta = KEYS[1]
local lease = string.sub(meta, 1, -5) .. 'lease'
local action, owner, milliseconds = ARGV[1], ARGV[2], ARGV[3]
local holder = redis.call('GET', lease)
local fence = redis.call('HGET', meta, 'fence') or '0'

if action == 'take' then
  if holder and holder ~= ARGV[4] then
    return {'HELD', fence, holder}
  end
  fence = tostring(redis.call('HINCRBY', meta, 'fence', 1))
  if redis.call('TTL', meta) == -1 and not redis.call('HGET', meta, 'schema') then
    -- Of a run that is never begun nothing stays.
    redis.call('EXPIRE', meta, 3600)
  end
  redis.call('SET', lease, owner, 'PX', milliseconds)
  return {'OK', fence, owner}
end
if fence ~= ARGV[4] then
  return {'LOST', fence, holder or ''}
end
if action == 'renew' then
  redis.call('SET', lease, owner, 'PX', milliseconds)
else
  redis.call('DEL', lease)
end
return {'OK', fence, owner}
