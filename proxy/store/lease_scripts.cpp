#include "store/lease_scripts.hpp"

#include "store/lease_message.hpp"
#include "store/stamps.hpp"

namespace larder::store {

namespace {

using std::chrono::milliseconds;

/// Common to those that change leases. ARGV begins with a new random stamp, which all keys of the
/// call may share since a stamp is compared with that of the same tag alone, and the holder.
///
/// Who writes deletes first: in a full Redis a script may set a key only after it has deleted one,
/// and a key of a foreign type gives way. An expiry more than a day ahead is none of ours.
constexpr std::string_view common = R"lua(
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
)lua";

/// ARGV: ..., milliseconds, "taken" or "renewed".
constexpr std::string_view lease_body = R"lua(
local evicted = 0
for _, key in ipairs(KEYS) do
  local found = read(key)
  if ARGV[4] == 'renewed' and not found.is_own then found.stamp = nil end
  if not found.stamp then evicted = evicted + 1 end
  add_own(found, tonumber(ARGV[3]))
  write(key, found.stamp or fresh, found)
end
tell(ARGV[4], holder, ARGV[3], KEYS)
return evicted
)lua";

/// ARGV: ..., how many of the keys to evict, milliseconds to settle, lifetime of a stamp.
constexpr std::string_view end_body = R"lua(
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
)lua";

/// ARGV: the lifetime. The value of a leased stamp is longer, and its key lives as its leases do.
/// One with all but a day of its life before it is let be: every change is heard as an eviction.
constexpr std::string_view prolong_body = R"lua(
for _, key in ipairs(KEYS) do
  if redis.pcall('STRLEN', key) == 16 and redis.call('TTL', key) < ARGV[1] - 86400 then
    redis.call('EXPIRE', key, ARGV[1])
  end
end
return 0
)lua";

/// The soft part counts on, and all behind it stays: the rest of the stamp, leases, the lifetime.
constexpr std::string_view soften_body = R"lua(
local softened = 0
for _, key in ipairs(KEYS) do
  local value, lives = redis.pcall('GET', key), redis.call('PTTL', key)
  if type(value) == 'string' and lives > 0 and string.find(value, '^%x%x%x') then
    local soft = (tonumber(string.sub(value, 1, 2), 16) + 1) % 256
    redis.call('DEL', key)
    redis.call('SET', key, string.format('%02x', soft) .. string.sub(value, 3), 'PX', lives)
    softened = softened + 1
  end
end
return softened
)lua";

constexpr std::size_t name_size = 40;  ///< of a script: its SHA-1 in hex

}  // namespace

void LeaseScripts::add_load(Pipeline& pipeline) {
  std::string shared(lease_message_script);
  shared += common;
  pipeline.add({"SCRIPT", "LOAD", shared + std::string(lease_body)});
  pipeline.add({"SCRIPT", "LOAD", shared + std::string(end_body)});
  pipeline.add({"SCRIPT", "LOAD", prolong_body});
  pipeline.add({"SCRIPT", "LOAD", soften_body});
}

std::string LeaseScripts::read_load(const Pipeline& pipeline, std::size_t first) {
  if (!pipeline.is_answered()) return "no answer";
  for (std::string& name : names_) {
    const Reply& reply = pipeline.reply(first++);
    if (reply.kind == Reply::Kind::error) return std::string(pipeline.text(reply));
    if (reply.kind != Reply::Kind::text || pipeline.text(reply).size() != name_size)
      return "it does not answer as Redis does";
    name = pipeline.text(reply);
  }
  return {};
}

bool LeaseScripts::is_forgotten(const Pipeline& pipeline, std::size_t command) {
  if (!pipeline.is_answered()) return false;
  const Reply& reply = pipeline.reply(command);
  return reply.kind == Reply::Kind::error && pipeline.text(reply).starts_with("NOSCRIPT");
}

void LeaseScripts::add_call(Pipeline& pipeline, Name name, const std::vector<std::string>& keys,
                            const std::vector<std::string_view>& arguments) const {
  const std::string count = std::to_string(keys.size());
  Command call(pipeline, {"EVALSHA", names_[name], count});
  for (const std::string& key : keys) call.add(key);
  for (const std::string_view argument : arguments) call.add(argument);
}

void LeaseScripts::add_lease(Pipeline& pipeline, Step step, std::string_view holder,
                             milliseconds time, const std::vector<std::string>& keys) const {
  const std::string fresh = format_stamp(make_stamp());
  const std::string lasts = std::to_string(time.count());
  add_call(pipeline, lease, keys,
           {fresh, holder, lasts, step == Step::take ? std::string_view("taken") : "renewed"});
}

void LeaseScripts::add_end(Pipeline& pipeline, const End& how) const {
  std::vector<std::string> keys = how.evicted;
  keys.insert(keys.end(), how.unchanged.begin(), how.unchanged.end());
  const std::string fresh = format_stamp(make_stamp_of(how.history));
  const std::string count = std::to_string(how.evicted.size());
  const std::string settle = std::to_string(how.settle.count());
  const std::string lifetime = std::to_string(how.stamp_lifetime.count());
  // Who settles needs a name to do it under.
  const std::string settler = how.settle.count() > 0 ? format_stamp(make_stamp()) : std::string();
  add_call(pipeline, end, keys,
           {fresh, how.holder.empty() ? settler : how.holder, count, settle, lifetime});
}

void LeaseScripts::add_prolonging(Pipeline& pipeline, std::chrono::seconds lifetime,
                                  const std::vector<std::string>& keys) const {
  const std::string lasts = std::to_string(lifetime.count());
  add_call(pipeline, prolong, keys, {lasts});
}

void LeaseScripts::add_softening(Pipeline& pipeline, const std::vector<std::string>& keys) const {
  add_call(pipeline, soften, keys, {});
}

}  // namespace larder::store
