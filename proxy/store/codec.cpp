#include "store/codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "policy/compression.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

namespace {

// Version 2, integers little-endian:
//   "LRDR"  u16 version  u16 status  i64 response_time  i64 initial_age  i64 lifetime (in the
//   store) i64 freshness lifetime  u16 flags  i64 stale_while_revalidate  i64 stale_if_error (-1:
//   none) u64 content_size  u64 content_checksum u32+text key  u32+text head  u16+text etag
//   u16+text last_modified u16 count of u16+text vary  u16 count of u16+text tags u16 count of u64
//   stamps u64 XXH3-64 of all before
constexpr std::string_view magic = "LRDR";
constexpr std::size_t checksum_size = sizeof(std::uint64_t);
constexpr std::size_t largest_key = 64 << 10;
constexpr std::size_t largest_head = 1 << 20;
constexpr std::uint64_t largest_content = std::uint64_t{1} << 32;
constexpr std::int64_t largest_time = 0xffff'ffff;            // seconds: as policy::StoredSeconds
constexpr std::int64_t longest_kept = std::int64_t{1} << 40;  // seconds

class Writer {
 public:
  template <class Integer>
  void integer(Integer value) {
    auto rest = static_cast<std::make_unsigned_t<Integer>>(value);
    for (std::size_t byte = 0; byte < sizeof value; ++byte) {
      bytes.push_back(static_cast<char>(rest & 0xff));
      rest = static_cast<std::make_unsigned_t<Integer>>(rest >> 4 >> 4);
    }
  }
  template <class Length>
  void text(std::string_view value) {
    integer(static_cast<Length>(value.size()));
    bytes.append(value);
  }

  std::string bytes;
};

/// Reads on until something is missing; then `failed` stays, and all that follows is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) {
      failed = true;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <class Integer>
  Integer integer() {
    Integer value = 0;
    const std::string_view taken = take(sizeof value);
    if (taken.empty()) return value;
    std::array<char, sizeof value> bytes;
    std::memcpy(bytes.data(), taken.data(), sizeof value);
    if constexpr (std::endian::native == std::endian::big) std::reverse(bytes.begin(), bytes.end());
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  template <class Length>
  std::string_view text() {
    return take(integer<Length>());
  }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  bool failed = false;

 private:
  std::string_view rest_;
};

/// Field lines, each with a name and its CRLF, and nothing that could end the head early.
bool is_head(std::string_view head) {
  if (head.find('\0') != std::string_view::npos) return false;
  while (!head.empty()) {
    const std::size_t end = head.find('\n');
    const std::size_t colon = head.find(':');
    if (end == std::string_view::npos || end == 0 || head.find('\r') != end - 1) return false;
    if (colon == 0 || colon >= end) return false;
    head.remove_prefix(end + 1);
  }
  return true;
}

constexpr std::size_t largest_text = std::numeric_limits<std::uint16_t>::max();

bool is_short(std::string_view text) {
  return text.size() <= largest_text;
}
bool are_short(const policy::Texts& texts) {
  return texts.size() <= largest_text && std::all_of(texts.begin(), texts.end(), is_short);
}

/// Bits of `flags`; others are refused.
enum Flag : std::uint16_t {
  validate_always = 1,
  never_stale = 2,
  for_credentials = 4,
  own_etag = 8,
  all_flags = 15,
};

constexpr std::int64_t no_bound = -1;

void write_terms(Writer& writer, const policy::StoredResponse& response) {
  const policy::StoredResponse::Terms& terms = response.terms;
  unsigned flags = 0;
  if (terms.validate_always) flags |= Flag::validate_always;
  if (terms.never_stale) flags |= Flag::never_stale;
  if (terms.for_credentials) flags |= Flag::for_credentials;
  if (response.has_own_etag) flags |= Flag::own_etag;
  writer.integer(std::int64_t{response.lifetime.count()});
  writer.integer(static_cast<std::uint16_t>(flags));
  const auto write_bound = [&writer](const std::optional<policy::StoredSeconds>& bound) {
    writer.integer(bound ? std::int64_t{bound->count()} : no_bound);
  };
  write_bound(terms.stale_while_revalidate);
  write_bound(terms.stale_if_error);
}

policy::StoredSeconds read_seconds(Reader& reader) {
  const auto count = reader.integer<std::int64_t>();
  if (count < 0 || count > largest_time) reader.failed = true;
  return policy::StoredSeconds(static_cast<std::uint32_t>(count));
}

std::optional<policy::StoredSeconds> read_bound(Reader& reader) {
  const auto bound = reader.integer<std::int64_t>();
  if (bound < no_bound || bound > largest_time) reader.failed = true;
  if (bound < 0) return std::nullopt;
  return policy::StoredSeconds(static_cast<std::uint32_t>(bound));
}

void read_terms(Reader& reader, policy::StoredResponse& response) {
  response.lifetime = read_seconds(reader);
  const auto flags = reader.integer<std::uint16_t>();
  if (flags > Flag::all_flags) reader.failed = true;
  response.terms.validate_always = flags & Flag::validate_always;
  response.terms.never_stale = flags & Flag::never_stale;
  response.terms.for_credentials = flags & Flag::for_credentials;
  response.has_own_etag = flags & Flag::own_etag;
  response.terms.stale_while_revalidate = read_bound(reader);
  response.terms.stale_if_error = read_bound(reader);
}

void write_texts(Writer& writer, const policy::Texts& texts) {
  writer.integer(static_cast<std::uint16_t>(texts.size()));
  for (const std::string_view text : texts) writer.text<std::uint16_t>(text);
}

/// Joined, they take no more room than in the record, where each has its length before it.
policy::Texts read_texts(Reader& reader, Room& room) {
  const char* const begin = room.begin;
  const auto count = reader.integer<std::uint16_t>();
  for (unsigned i = 0; i < count && !reader.failed; ++i) {
    const std::string_view text = reader.text<std::uint16_t>();
    // Nothing that is written has one, and it would make two of one.
    if (text.find('\0') != std::string_view::npos) reader.failed = true;
    room.put(text);
    room.put({"\0", 1});
  }
  return policy::Texts::within({begin, room.begin});
}

Stamps read_stamps(Reader& reader) {
  Stamps stamps;
  const auto count = reader.integer<std::uint16_t>();
  if (count > reader.left() / sizeof(Stamp)) reader.failed = true;
  if (reader.failed) return stamps;
  stamps.reserve(count);
  for (unsigned i = 0; i < count; ++i) stamps.push_back(reader.integer<Stamp>());
  return stamps;
}

bool is_sane(const HeadRecord& record) {
  const std::int64_t lifetime = record.lifetime.count();
  return record.response->status >= 200 && record.response->status <= 599 && lifetime > 0 &&
         lifetime <= longest_kept && record.response->decoded_size <= largest_content &&
         is_head(record.response->head);
}

}  // namespace

std::optional<std::string> encode_head(std::string_view key, const policy::StoredResponse& response,
                                       const Stamps& stamps, std::chrono::seconds lifetime) {
  if (key.size() > largest_key || response.head.size() > largest_head || !is_short(response.etag) ||
      !is_short(response.last_modified) || !are_short(response.vary) || !are_short(response.tags) ||
      stamps.size() > std::numeric_limits<std::uint16_t>::max())
    return {};
  Writer writer;
  writer.bytes.reserve(128 + key.size() + response.head.size() + stamps.size() * sizeof(Stamp));
  writer.bytes.append(magic);
  writer.integer(codec_version);
  writer.integer(response.status);
  writer.integer(std::int64_t{response.response_time.time_since_epoch().count()});
  writer.integer(std::int64_t{response.initial_age.count()});
  writer.integer(std::int64_t{lifetime.count()});
  write_terms(writer, response);
  writer.integer(std::uint64_t{response.content.size});
  writer.integer(response.decoded_size);
  writer.integer(xxh3(response.content.view()));
  writer.text<std::uint32_t>(key);
  writer.text<std::uint32_t>(response.head);
  writer.text<std::uint16_t>(response.etag);
  writer.text<std::uint16_t>(response.last_modified);
  write_texts(writer, response.vary);
  write_texts(writer, response.tags);
  writer.integer(static_cast<std::uint16_t>(stamps.size()));
  for (const Stamp stamp : stamps) writer.integer(stamp);
  writer.integer(xxh3(writer.bytes));
  return std::move(writer.bytes);
}

std::optional<HeadRecord> decode_head(std::string_view key, std::string_view record,
                                      std::size_t content_room) {
  if (record.size() < magic.size() + checksum_size || !record.starts_with(magic)) return {};
  const std::string_view body = record.substr(0, record.size() - checksum_size);
  Reader checksum(record.substr(body.size()));
  if (checksum.integer<std::uint64_t>() != xxh3(body)) return {};

  Reader reader(body);
  reader.take(magic.size());
  if (reader.integer<std::uint16_t>() != codec_version) return {};
  HeadRecord head;
  // What it says in words lies behind it: the record has no more than that.
  Room& room = head.room;
  room.size = body.size() + content_room;
  head.response =
      std::allocate_shared<policy::StoredResponse>(WithRoom<policy::StoredResponse>(room));
  policy::StoredResponse& response = *head.response;
  response.status = reader.integer<std::uint16_t>();
  response.response_time = policy::StoredTime(read_seconds(reader));
  response.initial_age = read_seconds(reader);
  head.lifetime = std::chrono::seconds(reader.integer<std::int64_t>());
  read_terms(reader, response);
  head.content_size = reader.integer<std::uint64_t>();
  response.decoded_size = reader.integer<std::uint64_t>();
  head.content_checksum = reader.integer<std::uint64_t>();
  if (reader.text<std::uint32_t>() != key) return {};
  using policy::Text;
  response.head = Text::within(room.put(reader.text<std::uint32_t>()));
  response.etag = Text::within(room.put(reader.text<std::uint16_t>()));
  response.last_modified = Text::within(room.put(reader.text<std::uint16_t>()));
  response.vary = read_texts(reader, room);
  response.tags = read_texts(reader, room);
  head.stamps = read_stamps(reader);
  if (reader.failed || reader.left() != 0 || !is_sane(head)) return {};
  if (response.is_compressed()) response.coded_head = policy::make_coded_head(response.head);
  return head;
}

bool is_content_of(const HeadRecord& head, std::string_view content) {
  return content.size() == head.content_size && xxh3(content) == head.content_checksum;
}

bool may_hold_stamp(std::string_view record, Stamp stamp) {
  Writer writer;
  writer.integer(stamp);
  return record.find(writer.bytes) != std::string_view::npos;
}

}  // namespace larder::store
