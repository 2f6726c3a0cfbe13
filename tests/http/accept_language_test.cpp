#include "http/accept_language.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

using Tags = std::vector<std::string>;

std::string normal_form(std::string_view value, const Tags& offered) {
  std::string room;
  return std::string(normalise_accept_language(value, offered, room).value_or(""));
}

TEST_CASE("normalise_accept_language: against what is offered (9110 12.5.4, 4647 3.4)") {
  const Tags de_en = {"de", "en"};
  const Tags regions = {"de-AT", "en", "zh-Hant"};
  struct Case {
    std::string_view name;
    std::string_view value;
    const Tags& offered;
    std::string_view expected;  ///< empty: as if the field were absent
  };
  const Case cases[] = {
      {"empty", "", de_en, ""},
      {"empty members", " , ,", de_en, ""},
      {"one on offer", "de", de_en, "de"},
      {"in capitals", "DE", de_en, "de"},
      {"as the rule writes it", "de-at", regions, "de-AT"},
      {"none on offer", "fr", de_en, ""},
      {"none on offer, then one", "fr, en;q=0.1", de_en, "en"},
      {"a browser", "de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7", de_en, "de"},
      {"the greater weight, wherever it stands", "de;q=0.5, en;q=0.6", de_en, "en"},
      {"of the same weight the first", "en, de", de_en, "en"},
      {"more than is offered is shortened", "zh-Hant-CN-x-private1", regions, "zh-Hant"},
      {"a single letter goes with what stood behind it", "de-a-value", de_en, "de"},
      {"another region of the language", "de-CH", regions, "de-AT"},
      {"the language where a region is offered", "de", regions, "de-AT"},
      {"another language that begins alike", "den", de_en, ""},
      {"anything", "*", de_en, ""},
      {"one, or anything", "fr, *;q=0.5, en;q=0.1", de_en, ""},
      {"refused, then one", "de;q=0, en;q=0.1", de_en, "en"},
      {"refused, where its region is asked for", "de-AT, de;q=0, en;q=0.1", de_en, "en"},
      {"all refused", "de;q=0, en;q=0", de_en, ""},
      {"malformed: a weight", "de;q=2, en", de_en, ""},
      {"malformed: no range", ";q=1", de_en, ""},
      {"malformed: spaces within", "de en", de_en, ""},
      {"malformed: another parameter", "de;level=1", de_en, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(normal_form(c.value, c.offered) == c.expected);
  }
}

TEST_CASE("normalise_accept_language: nobody says what is offered") {
  struct Case {
    std::string_view name;
    std::string_view value;
    std::string_view expected;
  };
  const Case cases[] = {
      {"empty", " ", ""},
      {"one", "de", "de"},
      {"case", "de-AT", "de-at"},
      {"spaces", "de , en;q=0.5 ;  ", "de , en;q=0.5 ;  "},
      {"spaces around what parses", "de ,\ten ; q=0.5", "de,en;q=0.5"},
      {"order", "en;q=0.5, de;q=0.75, fr", "fr,de;q=0.75,en;q=0.5"},
      {"one weight in many ways", "de;q=0.500,en;q=0.05,fr;q=1.000", "fr,de;q=0.5,en;q=0.05"},
      {"refused", "*, de;q=0.0", "*,de;q=0"},
      {"malformed", "De;q=x", "De;q=x"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(normal_form(c.value, {}) == c.expected);
  }
}

}  // namespace
}  // namespace larder::http
