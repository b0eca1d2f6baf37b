-- Gives every key of one run its lifetime anew, or deletes them all.
--
-- KEYS[1]  the run's key `meta`
-- ARGV     `expire` or `delete`, then the suffixes of the keys that every run may have
-- returns  how many keys there were

local meta = KEYS[1]
local prefix = string.sub(meta, 1, -5)
local lifetime = tonumber(redis.call('HGET', meta, 'lifetime_s') or '0')
local names = {}
for index = 2, #ARGV do
  names[#names + 1] = prefix .. ARGV[index]
end
local sections = redis.call('HGETALL', prefix .. 'sections')
for index = 1, #sections, 2 do
  local content = prefix .. 'section:' .. sections[index]
  names[#names + 1] = content
  if redis.call('TYPE', content).ok == 'hash' then
    local escaped = string.gsub(string.gsub(sections[index], '%%', '%%25'), ':', '%%3A')
    local members = redis.call('HGETALL', content)
    for member = 1, #members, 2 do
      if not string.find(members[member + 1], ' ', 1, true) then
        names[#names + 1] = prefix .. 'member:' .. escaped .. ':' .. members[member]
      end
    end
  end
end

local count = 0
for _, name in ipairs(names) do
  if ARGV[1] == 'delete' then
    count = count + redis.call('DEL', name)
  else
    count = count + redis.call('EXISTS', name)
    if name ~= prefix .. 'lease' then
      if lifetime > 0 then
        redis.call('EXPIRE', name, lifetime)
      else
        redis.call('PERSIST', name)
      end
    end
  end
end
return count
