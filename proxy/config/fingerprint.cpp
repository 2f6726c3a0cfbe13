#include "config/fingerprint.hpp"

#include <string>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/rule_text.hpp"

namespace larder::config {
namespace {

/// With its length before it, so that no two lists of texts come to the same bytes.
void append(std::string& bytes, std::string_view text) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>((text.size() >> shift) & 0xFF);
  }
  bytes += text;
}

}  // namespace

std::uint64_t make_fingerprint(const policy::RouteRule& rule) {
  std::string bytes;
  append(bytes, "rule 2");
  // What was stored under one name would stay when another is evicted.
  append(bytes, rule.name);
  append(bytes, std::to_string(rule.paths.size()));
  for (const policy::PathPattern& path : rule.paths) append(bytes, path.text);
  append(bytes, rule.key.text);
  append(bytes, text_of_share(rule.share));
  if (rule.origin) append(bytes, "fresh by the origin's word");
  // What was stored without a user's tag would stay when only that tag is evicted.
  if (rule.written_by == policy::WrittenBy::owner) append(bytes, "written_by owner");
  // Likewise what was stored without a tag that there is now.
  for (const policy::KeyTemplate& tag : rule.tags) append(bytes, "tag " + tag.text);
  append(bytes, std::to_string(rule.vary.size()));
  for (const policy::VaryField& field : rule.vary) {
    append(bytes, field.name);
    append(bytes, std::to_string(field.offered.size()));
    for (const std::string& type : field.offered) append(bytes, type);
  }
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace larder::config
