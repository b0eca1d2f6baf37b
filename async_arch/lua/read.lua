-- Reads the document of one run, or some of its sections, at one moment.
--
-- KEYS[1]  the run's key `meta`
-- ARGV     names of the wanted sections; none for all
-- returns  nothing where there is no such run, else {version, versions of the sections, sections, contents};
--          the content of a mapping is {members, fields of members}, of a list its entries

local meta = KEYS[1]
local prefix = string.sub(meta, 1, -5)
local known = redis.call('HMGET', meta, 'schema', 'version')
if not known[1] then
  return false
end

local sections = {}
if #ARGV == 0 then
  sections = redis.call('HGETALL', prefix .. 'sections')
else
  for _, name in ipairs(ARGV) do
    local stored = redis.call('HGET', prefix .. 'sections', name)
    if stored then
      sections[#sections + 1] = name
      sections[#sections + 1] = stored
    end
  end
end

local contents = {}
for index = 1, #sections, 2 do
  local section, kind = sections[index], string.match(sections[index + 1], '^%-?%d+ (%a+)')
  local content = {}
  if kind == 'map' then
    local members, fields = redis.call('HGETALL', prefix .. 'section:' .. section), {}
    local escaped = string.gsub(string.gsub(section, '%%', '%%25'), ':', '%%3A')
    for member = 1, #members, 2 do
      if not string.find(members[member + 1], ' ', 1, true) then
        fields[#fields + 1] = members[member]
        fields[#fields + 1] = redis.call('HGETALL', prefix .. 'member:' .. escaped .. ':' .. members[member])
      end
    end
    content = {members, fields}
  elseif kind == 'list' or kind == 'set' then
    content = redis.call('XRANGE', prefix .. 'section:' .. section, '-', '+')
  end
  contents[#contents + 1] = content
end
return {known[2] or '0', redis.call('HGETALL', prefix .. 'versions'), sections, contents}
