-- Writes updates of one run, one after the other: each whole or not at all, once, by whoever holds the run.
--
-- KEYS[1]  the run's key `meta`; every other key has the same prefix and hash tag
-- ARGV     token ('' for writers without a lease), writer, and then of each update:
--            `sequence expected sections size`: its number, the expected version of the document (- for any), how
--            many sections have an expected version, how many arguments its writes have;
--            task ('' or the one whose effects are written, once);
--            name and expected version of each of those sections;
--            the writes, each a letter and its arguments
-- returns  of each update the version that it made; where it appended items, {'OK', version, their ids}; where it
--          was not done, {word, version}: AGAIN (written before), DONE (the task was), FENCED (somebody else holds
--          the run), CONFLICT (an expectation fails) or ABSENT (there is no such run)

local meta = KEYS[1]
local prefix = string.sub(meta, 1, -5)
local token, writer = ARGV[1], ARGV[2]

local known = redis.call('HMGET', meta, 'schema', 'fence', 'version', 'lifetime_s', 'seq:' .. writer)
local version, sequence = tonumber(known[3] or '0'), tonumber(known[5] or '0')
local lifetime = tonumber(known[4] or '0')
local fenced = token ~= '' and token ~= (known[2] or '')

local at = 3
local touched, events = {[meta] = true}, false
-- Of the update under way: the sections that it has written, the ids of its items.
local written, appended = {}, {}
-- Of all updates of this call: the versions of sections as far as they are known, and which have changed.
local versions, changed = {}, {}

local function version_of(section)
  if not versions[section] then
    versions[section] = tonumber(redis.call('HGET', prefix .. 'versions', section) or '0')
  end
  return versions[section]
end

local names = {}

local function key(suffix)
  local name = names[suffix]
  if not name then
    name = prefix .. suffix
    names[suffix] = name
    touched[name] = true
  end
  return name
end

local function member_key(section, name)
  return key('member:' .. string.gsub(string.gsub(section, '%%', '%%25'), ':', '%%3A') .. ':' .. name)
end

local function place_of(stored)
  return tonumber(string.match(stored, '^%-?%d+'))
end

local function has_fields(stored)
  return not string.find(stored, ' ', 1, true)
end

local function set_all(name, first, last)
  -- A call takes a bounded number of arguments.
  for from = first, last, 1000 do
    redis.call('HSET', name, unpack(ARGV, from, math.min(from + 999, last)))
  end
end

local function clear(section)
  local content = key('section:' .. section)
  if redis.call('TYPE', content).ok == 'hash' then
    local members = redis.call('HGETALL', content)
    for index = 1, #members, 2 do
      if has_fields(members[index + 1]) then
        redis.call('DEL', member_key(section, members[index]))
      end
    end
  end
  redis.call('DEL', content)
end

local writes = {}

-- section, stored: there is such a section from now on, as what `stored` says.
function writes.N()
  written[ARGV[at]] = true
  redis.call('HSET', key('sections'), ARGV[at], ARGV[at + 1])
  at = at + 2
end

-- section: nothing is in it any more, and it is not there.
function writes.Z()
  written[ARGV[at]] = true
  clear(ARGV[at])
  redis.call('HDEL', key('sections'), ARGV[at])
  at = at + 1
end

-- section, place, number of arguments that fill it: it is filled anew, unless that happened at a later place.
function writes.C()
  local section, place, count = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  local name = 'filled:' .. section
  if tonumber(redis.call('HGET', meta, name) or '-1') > place then
    at = at + count
    return
  end
  redis.call('HSET', meta, name, ARGV[at - 2])
  written[section] = true
  clear(section)
end

-- section, member, stored, number of fields, name and stored of each: the member as a whole, unless it stands
-- at a later place already.
function writes.M()
  local section, name, stored, count = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local first, last = at + 4, at + 3 + 2 * count
  at = last + 1
  local content = key('section:' .. section)
  local before = redis.call('HGET', content, name)
  if before and place_of(before) > place_of(stored) then
    return
  end
  written[section] = true
  if before and has_fields(before) then
    redis.call('DEL', member_key(section, name))
  end
  redis.call('HSET', content, name, stored)
  if count > 0 then
    set_all(member_key(section, name), first, last)
  end
end

-- section, member: the member is gone.
function writes.U()
  local section, name = ARGV[at], ARGV[at + 1]
  at = at + 2
  written[section] = true
  redis.call('DEL', member_key(section, name))
  redis.call('HDEL', key('section:' .. section), name)
end

-- section, member, field, stored: one field of a member that has fields.
function writes.F()
  written[ARGV[at]] = true
  redis.call('HSET', member_key(ARGV[at], ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3])
  at = at + 4
end

-- section, member, field: a field of a member is gone.
function writes.G()
  written[ARGV[at]] = true
  redis.call('HDEL', member_key(ARGV[at], ARGV[at + 1]), ARGV[at + 2])
  at = at + 3
end

-- section, place, JSON: an item of a list.
function writes.A()
  written[ARGV[at]] = true
  appended[#appended + 1] =
    redis.call('XADD', key('section:' .. ARGV[at]), '*', 'p', ARGV[at + 1], 'v', ARGV[at + 2])
  at = at + 3
end

-- section, id of the entry: an item is gone.
function writes.R()
  written[ARGV[at]] = true
  redis.call('XDEL', key('section:' .. ARGV[at]), ARGV[at + 1])
  at = at + 2
end

-- suffix, field, value: a field of a hash that is no part of the document.
function writes.H()
  redis.call('HSET', key(ARGV[at]), ARGV[at + 1], ARGV[at + 2])
  at = at + 3
end

-- kind, time, task: an event of a task with nothing more to tell.
function writes.T()
  redis.call('XADD', key('events'), '*', 'kind', ARGV[at], 'at', ARGV[at + 1], 'task', ARGV[at + 2])
  events = true
  at = at + 3
end

-- number of arguments, names and values: an event.
function writes.E()
  local count = tonumber(ARGV[at])
  redis.call('XADD', key('events'), '*', unpack(ARGV, at + 1, at + count))
  events = true
  at = at + count + 1
end

local tasks, count_of_arguments = prefix .. 'tasks', #ARGV

local function update()
  local number, expected, sections, size = string.match(ARGV[at], '^(%d+) (%S+) (%d+) (%d+)$')
  local task = ARGV[at + 1]
  at = at + 2
  local first = at + 2 * tonumber(sections)
  local last = first + tonumber(size) - 1

  local word = 'OK'
  if not known[1] then
    word = 'ABSENT'
  elseif fenced then
    word = 'FENCED'
  elseif tonumber(number) <= sequence then
    word = 'AGAIN'
  elseif task ~= '' and redis.call('HEXISTS', tasks, task) == 1 then
    word = 'DONE'
  elseif expected ~= '-' and tonumber(expected) ~= version then
    word = 'CONFLICT'
  else
    for index = at, first - 1, 2 do
      if version_of(ARGV[index]) ~= tonumber(ARGV[index + 1]) then
        word = 'CONFLICT'
      end
    end
  end
  if word ~= 'OK' then
    at = last + 1
    return {word, string.format('%d', version)}
  end

  at, written, appended = first, {}, {}
  while at <= last do
    local write = writes[ARGV[at]]
    if not write then
      error('no such write: ' .. ARGV[at])
    end
    at = at + 1
    write()
  end
  for section in pairs(written) do
    versions[section] = version_of(section) + 1
    changed[section] = true
  end
  version, sequence = version + 1, tonumber(number)
  if #appended == 0 then
    return version
  end
  return {word, string.format('%d', version), appended}
end

local answers, before = {}, sequence
while at <= count_of_arguments do
  answers[#answers + 1] = update()
end

if sequence > before then
  redis.call('HSET', meta, 'version', string.format('%d', version), 'seq:' .. writer, string.format('%d', sequence))
  for section in pairs(changed) do
    redis.call('HSET', key('versions'), section, string.format('%d', versions[section]))
  end
  if lifetime > 0 then
    -- Renewed when a tenth has passed: every renewal is written to the append-only file.
    for name in pairs(touched) do
      local left = redis.call('TTL', name)
      if left == -1 or (left >= 0 and left < lifetime * 0.9) then
        redis.call('EXPIRE', name, lifetime)
      end
    end
  end
  if events then
    redis.call('PUBLISH', prefix .. 'events', '')
  end
end
return answers
