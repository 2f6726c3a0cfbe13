
local function tell(event, holder, time, keys)
  local words = {event, holder, time}
  for _, key in ipairs(keys) do words[#words + 1] = #key .. ':' .. key end
  redis.pcall('PUBLISH', 'larder:1:leases', table.concat(words, ' '))
end

local fresh, holder = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- stamp: nothing when it is missing or may not stay; others: leases; last: their last expiry
local function read(key)
  local found = {others = {}, last = 0}
  local value = redis.pcall('GET', key)
  if type(value) ~= 'string' then return found end
  local stamp = string.sub(value, 1, 16)
  if #stamp == 16 and not string.find(stamp, '[^0-9a-f]') then found.stamp = stamp end
  for other, expiry in string.gmatch(value, ' (%x+):(%d+)') do
    local ahead = tonumber(expiry) - now
    if ahead <= 0 or ahead > 86400000 then
      found.stamp = nil
    elseif other == holder then
      found.is_own = true
    else
      table.insert(found.others, other .. ':' .. expiry)
      found.last = math.max(found.last, now + ahead)
    end
  end
  return found
end

local function add_own(found, milliseconds)
  table.insert(found.others, string.format('%s:%.0f', holder, now + milliseconds))
  found.last = math.max(found.last, now + milliseconds)
end

local function write(key, stamp, found)
  redis.call('DEL', key)
  if #found.others > 0 then
    redis.call('SET', key, stamp .. ' ' .. table.concat(found.others, ' '), 'PX', found.last - now)
  end
end

local count, settle, evicted = tonumber(ARGV[3]), tonumber(ARGV[4]), 0
for i, key in ipairs(KEYS) do
  local found = read(key)
  if i <= count or not found.is_own or not found.stamp then
    if settle > 0 then add_own(found, settle) end
    write(key, fresh, found)
    evicted = evicted + 1
  elseif #found.others > 0 then
    write(key, found.stamp, found)
  else
    redis.call('SET', key, found.stamp, 'EX', ARGV[5])
  end
end
if holder ~= '' then tell('ended', holder, 0, KEYS) end
return evicted
