#include "http/content_coding.hpp"

#include <optional>
#include <string_view>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

constexpr std::optional<std::string_view> absent;

TEST_CASE("what Accept-Encoding allows and prefers") {
  struct Case {
    const char* name;
    const char* section;
    std::optional<std::string_view> value;
    bool gzip;      // acceptable
    bool br;        // acceptable
    bool identity;  // acceptable
    std::string_view normal_form;
  };
  const Case cases[] = {
      {"without the field anything is acceptable, and nothing is asked for", "9110 12.5.3 1",
       absent, true, true, true, "identity"},
      {"an empty field wants no coding", "9110 12.5.3", "", false, false, true, "identity"},
      {"so does one of empty members", "9110 5.6.1.2", " , ,", false, false, true, "identity"},
      {"what is listed is acceptable", "9110 12.5.3 3", "gzip", true, false, true, "gzip"},
      {"names have no case", "9110 8.4.1", "GZip", true, false, true, "gzip"},
      {"x-gzip is gzip", "9110 8.4.1.3", "x-gzip", true, false, true, "gzip"},
      {"a browser's list", "9110 12.5.3", "gzip, deflate, br, zstd", true, true, true, "gzip"},
      {"white space where it may be", "9110 12.5.3", " br ;\tq=0.5 ,gzip ; q=1 ", true, true, true,
       "gzip"},
      {"empty members are ignored", "9110 5.6.1.2", ",gzip,,br", true, true, true, "gzip"},
      {"what is not listed is not acceptable", "9110 12.5.3 4", "br", false, true, true,
       "identity"},
      {"weight zero forbids", "9110 12.4.2", "gzip;q=0, br", false, true, true, "identity"},
      {"in each of its forms", "9110 12.4.2", "gzip;q=0., br;q=0.000", false, false, true,
       "identity"},
      {"the least above zero does not", "9110 12.4.2", "gzip;q=0.001", true, false, true, "gzip"},
      {"* is whatever is not listed", "9110 12.5.3", "*", true, true, true, "gzip"},
      {"but not what is", "9110 12.5.3", "gzip;q=0, *", false, true, true, "identity"},
      {"*;q=0 forbids the rest, identity too", "9110 12.5.3 2", "gzip, *;q=0", true, false, false,
       "gzip"},
      {"unless identity is listed", "9110 12.5.3 2", "identity, *;q=0", false, false, true,
       "identity"},
      {"identity;q=0 forbids plain content", "9110 12.5.3 2", "gzip, identity;q=0", true, false,
       false, "gzip"},
      {"nothing at all is acceptable", "9110 12.5.3", "*;q=0", false, false, false, "identity"},
      {"identity may be preferred", "9110 12.4.2", "gzip;q=0.5, identity", true, false, true,
       "identity"},
      {"by a thousandth", "9110 12.4.2", "gzip;q=0.998, identity;q=0.999", true, false, true,
       "identity"},
      {"of equals the coding is taken", "9110 12.4.2", "identity;q=0.5, gzip;q=0.5", true, false,
       true, "gzip"},
      {"* stands for identity as for any", "9110 12.5.3", "gzip;q=0.2, *;q=0.5", true, true, true,
       "identity"},
      {"the name of a weight has no case", "9110 12.4.2", "gzip;Q=1", true, false, true, "gzip"},
      {"a member twice: the lower weight", "ours", "gzip;q=0, gzip", false, false, true,
       "identity"},
      {"a weight above one is malformed", "9110 12.4.2", "gzip;q=1.001, br", false, true, true,
       "identity"},
      {"a weight of four decimals is malformed", "9110 12.4.2", "gzip;q=1.0000", false, false, true,
       "identity"},
      {"a weight without value is malformed", "9110 12.4.2", "gzip;q=, br", false, true, true,
       "identity"},
      {"another parameter is malformed", "9110 12.5.3", "gzip;level=9", false, false, true,
       "identity"},
      {"words without comma are malformed", "9110 12.5.3", "gzip br", false, false, true,
       "identity"},
      {"a forbidden identity that is malformed does not count", "ours", "identity;q=no", false,
       false, true, "identity"},
      {"a name that starts alike is another", "9110 8.4.1", "gzipped", false, false, true,
       "identity"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    const AcceptEncoding accepted(c.value);
    CHECK(accepted.accepts("gzip") == c.gzip);
    CHECK(accepted.accepts("br") == c.br);
    CHECK(accepted.accepts("") == c.identity);
    CHECK(accepted.accepts("identity") == c.identity);
    CHECK(accepted.normal_form() == c.normal_form);
    CHECK(accepted.is_absent() == !c.value.has_value());
  }
}

TEST_CASE("weights, in thousandths") {
  const AcceptEncoding accepted("gzip;q=0.25, br;q=1.0, *;q=0.1");
  CHECK(accepted.weight("gzip") == 250);
  CHECK(accepted.weight("x-gzip") == 250);
  CHECK(accepted.weight("br") == 1000);
  CHECK(accepted.weight("zstd") == 100);
  CHECK(accepted.weight("identity") == 100);
  CHECK(AcceptEncoding("gzip").weight("identity") == 1);
  CHECK(AcceptEncoding("").weight("gzip") == 0);
  CHECK(AcceptEncoding(absent).weight("anything") == 1000);
}

TEST_CASE("several lines are one list (RFC 9110 5.3)") {
  Fields fields;
  CHECK(AcceptEncoding(fields).is_absent());
  fields.add(FieldName::accept_encoding, "br");
  fields.add(FieldName::accept, "zstd");
  fields.add(FieldName::accept_encoding, "gzip;q=0.5, identity;q=0");
  const AcceptEncoding accepted(fields);
  CHECK(accepted.weight("br") == 1000);
  CHECK(accepted.weight("gzip") == 500);
  CHECK(accepted.weight("identity") == 0);
  CHECK(accepted.weight("zstd") == 0);
}

TEST_CASE("of several codings that were applied each has to be acceptable (RFC 9110 8.4)") {
  CHECK(AcceptEncoding("gzip, br").accepts("br, gzip"));
  CHECK_FALSE(AcceptEncoding("gzip").accepts("br, gzip"));
  CHECK_FALSE(AcceptEncoding("gzip, br;q=0").accepts("gzip, br"));
}

TEST_CASE("is_coded") {
  CHECK_FALSE(is_coded(""));
  CHECK_FALSE(is_coded(" , "));
  CHECK_FALSE(is_coded("Identity"));
  CHECK(is_coded("gzip"));
  CHECK(is_coded("identity, unheard-of"));
}

}  // namespace
}  // namespace larder::http
