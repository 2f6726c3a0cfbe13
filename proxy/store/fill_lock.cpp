#include "store/fill_lock.hpp"

#include <algorithm>
#include <optional>

#include "store/codec.hpp"
#include "store/stamps.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

namespace {

constexpr std::string_view release_own =
    "if string.sub(redis.call('GET', KEYS[1]) or '', 1, 16) == ARGV[1] then "
    "return redis.call('DEL', KEYS[1]) end return 0";

std::string stamps_name(const Stamps& stamps) {
  return format_stamp(
      xxh3({reinterpret_cast<const char*>(stamps.data()), stamps.size() * sizeof(Stamp)}));
}

std::string_view text_of(const Pipeline& pipeline, std::size_t command) {
  const Reply& reply = pipeline.reply(command);
  return reply.kind == Reply::Kind::text ? pipeline.text(reply) : std::string_view();
}

/// Is there a value now that `stamps` allow, going by the resource's own, and that is not `seen`?
bool is_news(std::string_view key, std::string_view record, const Stamps& stamps,
             const policy::StoredResponse* seen) {
  if (record.empty()) return false;
  const std::optional<HeadRecord> head = decode_head(key, record);
  if (!head) return false;
  const Stamps kept = kept_stamps(stamps, {});
  if (head->stamps.size() < kept.size() ||
      !std::equal(kept.begin(), kept.end(), head->stamps.begin()))
    return false;
  return !seen || head->response->response_time != seen->response_time;
}

}  // namespace

void FillLock::add_reading(Pipeline& pipeline, std::string_view key) const {
  Command holder(pipeline, {"GET"});
  add_key(holder, keys_.fills, key);
  Command head(pipeline, {"HGET"});
  add_key(head, keys_.values, key);
  head.add("h");
}

void FillLock::add_set(Pipeline& pipeline, std::string_view key, const Stamps& stamps,
                       std::string_view condition) const {
  const std::string holder = owner_ + stamps_name(stamps);
  Command set(pipeline, {"SET"});
  add_key(set, keys_.fills, key);
  for (const std::string_view word :
       {std::string_view(holder), condition, std::string_view("PX"), std::string_view(lifetime_)})
    set.add(word);
}

void FillLock::add_claim(Pipeline& pipeline, std::string_view key, const Stamps& stamps) const {
  add_set(pipeline, key, stamps, "NX");
  add_reading(pipeline, key);
}

void FillLock::add_renaming(Pipeline& pipeline, std::string_view key, const Stamps& stamps) const {
  add_set(pipeline, key, stamps, "XX");
}

FillLock::Claim FillLock::read_claim(const Pipeline& pipeline, std::size_t command,
                                     std::string_view key, const Stamps& stamps,
                                     const policy::StoredResponse* seen) const {
  Claim claim;
  if (!pipeline.is_answered()) return claim;
  const std::string_view holder = text_of(pipeline, command + 1);
  const bool is_own = holder.starts_with(owner_);
  const bool is_same = holder.ends_with(stamps_name(stamps));
  claim.is_misnamed = is_own && !is_same;
  if (!is_own && is_same) claim.filled_by = holder;
  claim.stored_since = is_news(key, text_of(pipeline, command + 2), stamps, seen);
  return claim;
}

void FillLock::add_watch(Pipeline& pipeline, std::string_view key) const {
  add_reading(pipeline, key);
}

bool FillLock::is_running(const Pipeline& pipeline, std::string_view key,
                          std::string_view filled_by, const Stamps& stamps,
                          const policy::StoredResponse* seen) {
  return pipeline.is_answered() && text_of(pipeline, 0) == filled_by &&
         !is_news(key, text_of(pipeline, 1), stamps, seen);
}

void FillLock::add_release(Pipeline& pipeline, std::string_view key) const {
  Command release(pipeline, {"EVAL", release_own, "1"});
  add_key(release, keys_.fills, key);
  release.add(owner_);
}

}  // namespace larder::store
