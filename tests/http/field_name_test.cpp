#include "http/field_name.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

constexpr int last_name = static_cast<int>(FieldName::x_request_id);

TEST_CASE("every known name is told in any case, and nothing near it is") {
  std::set<std::string> seen;
  for (int i = 1; i <= last_name; ++i) {
    const auto id = static_cast<FieldName>(i);
    const std::string usual(format_field_name(id));
    CAPTURE(usual);
    REQUIRE(!usual.empty());
    CHECK(seen.insert(usual).second);
    CHECK(parse_field_name(usual) == id);
    std::string other = usual;
    std::transform(other.begin(), other.end(), other.begin(), ::tolower);
    CHECK(parse_field_name(other) == id);
    std::transform(other.begin(), other.end(), other.begin(), ::toupper);
    CHECK(parse_field_name(other) == id);

    CHECK(parse_field_name(usual + "s") == FieldName::unknown);
    CHECK(parse_field_name(usual + " ") == FieldName::unknown);
    CHECK(parse_field_name(" " + usual) == FieldName::unknown);
    for (std::size_t at = 0; at < usual.size(); ++at) {
      // Every other byte in every place: bit 5 alone makes an equal, and in letters only.
      for (int byte = 0; byte < 256; ++byte) {
        std::string near = usual;
        near[at] = static_cast<char>(byte);
        const bool same = std::tolower(static_cast<unsigned char>(near[at])) ==
                          std::tolower(static_cast<unsigned char>(usual[at]));
        const FieldName found = parse_field_name(near);
        if ((found == id) != same) FAIL_CHECK(byte << " at " << at);
      }
    }
  }
}

TEST_CASE("names that are not known") {
  const std::string_view names[] = {"",
                                    "X",
                                    "x-real-ip",
                                    "Hos",
                                    "Hostt",
                                    "content_length",
                                    "Content Length",
                                    "Sec-Fetch-Site",
                                    "Transfer\rEncoding",
                                    std::string_view("transfer-encoding\0", 18),
                                    "a-very-long-name-that-no-table-has-room-for"};
  for (const std::string_view name : names) {
    CAPTURE(name);
    CHECK(parse_field_name(name) == FieldName::unknown);
  }
  CHECK(format_field_name(FieldName::unknown).empty());
}

TEST_CASE("names are written as usual") {
  CHECK(format_field_name(FieldName::etag) == "ETag");
  CHECK(format_field_name(FieldName::te) == "TE");
  CHECK(format_field_name(FieldName::cdn_cache_control) == "CDN-Cache-Control");
  CHECK(format_field_name(FieldName::traceparent) == "traceparent");
  CHECK(format_field_name(FieldName::x_request_id) == "X-Request-Id");
}

}  // namespace
}  // namespace larder::http
