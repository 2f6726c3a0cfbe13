#include "http/entity_tag.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

using Lines = std::vector<std::string_view>;

TEST_CASE("parse_entity_tag (9110 8.8.3)") {
  CHECK(parse_entity_tag("\"xyzzy\"") == EntityTag{"\"xyzzy\"", false});
  CHECK(parse_entity_tag("W/\"xyzzy\"") == EntityTag{"\"xyzzy\"", true});
  CHECK(parse_entity_tag("\"\"") == EntityTag{"\"\"", false});
  CHECK(parse_entity_tag("\"a,b\\c'!\"") == EntityTag{"\"a,b\\c'!\"", false});
  CHECK(parse_entity_tag("\"\xc3\xa9\"") == EntityTag{"\"\xc3\xa9\"", false});
  for (const std::string_view text :
       {"", "xyzzy", "\"", "W/", "W/\"", "w/\"xyzzy\"", "W\"xyzzy\"", "\"xy zzy\"", "\"xyzzy",
        "xyzzy\"", "\"xy\"zzy\"", "\"xyzzy\" ", " \"xyzzy\"", "'xyzzy'", "*", "\"a\", \"b\"",
        "W/W/\"a\"", "\"a\tb\"", "\"a\x7f\""}) {
    CAPTURE(text);
    CHECK(!parse_entity_tag(text));
  }
}

TEST_CASE("entity tags are compared strongly and weakly (9110 8.8.3.2, its table)") {
  struct Case {
    std::string_view a, b;
    bool strong, weak;
  };
  const Case cases[] = {
      {"W/\"1\"", "W/\"1\"", false, true}, {"W/\"1\"", "W/\"2\"", false, false},
      {"W/\"1\"", "\"1\"", false, true},   {"\"1\"", "W/\"1\"", false, true},
      {"\"1\"", "\"1\"", true, true},      {"\"1\"", "\"2\"", false, false},
      {"\"a\"", "\"A\"", false, false},    {"\"\"", "\"\"", true, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.a);
    CAPTURE(c.b);
    CHECK(is_strong_match(*parse_entity_tag(c.a), *parse_entity_tag(c.b)) == c.strong);
    CHECK(is_weak_match(*parse_entity_tag(c.a), *parse_entity_tag(c.b)) == c.weak);
  }
}

TEST_CASE("EntityTagReader: the well-formed members of a line") {
  struct Case {
    std::string_view name;
    std::string_view line;
    std::vector<EntityTag> expected;
  };
  const Case cases[] = {
      {"nothing", "", {}},
      {"one", "\"a\"", {{"\"a\"", false}}},
      {"two, one of them weak", "\"a\", W/\"b\"", {{"\"a\"", false}, {"\"b\"", true}}},
      {"no space", "\"a\",\"b\"", {{"\"a\"", false}, {"\"b\"", false}}},
      {"whitespace around", "\t\"a\" \t , \"b\"\t", {{"\"a\"", false}, {"\"b\"", false}}},
      {"empty members", ", ,\"a\",,", {{"\"a\"", false}}},
      {"a comma in a tag", "\"a,b\", \"c\"", {{"\"a,b\"", false}, {"\"c\"", false}}},
      {"no quotes, skipped", "a, \"b\"", {{"\"b\"", false}}},
      {"a star in a list, skipped", "*, \"b\"", {{"\"b\"", false}}},
      {"text behind a tag ends it", "\"a\"x, \"b\"", {}},
      {"a tag behind a tag ends it", "\"a\" \"b\", \"c\"", {}},
      {"a space in a tag ends it", "\"a\", \"b c,\"d\"", {{"\"a\"", false}}},
      {"quotes that do not close end it", "\"a\", \"b", {{"\"a\"", false}}},
      {"a lower-case w/ ends it", "w/\"a\", \"b\"", {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::vector<EntityTag> found;
    EntityTagReader reader(c.line);
    while (const std::optional<EntityTag> tag = reader.next()) found.push_back(*tag);
    CHECK(found == c.expected);
  }
}

TEST_CASE("match_entity_tag: over all lines of one field") {
  struct Case {
    std::string_view name;
    Lines lines;
    std::string_view tag;
    TagComparison comparison;
    TagMatch expected;
  };
  using enum TagComparison;
  const Case cases[] = {
      {"no field", {}, "\"a\"", weak, TagMatch::absent},
      {"the one", {"\"a\""}, "\"a\"", weak, TagMatch::listed},
      {"another", {"\"b\""}, "\"a\"", weak, TagMatch::not_listed},
      {"the last of a list", {"\"c\", \"b\", \"a\""}, "\"a\"", weak, TagMatch::listed},
      {"on the second line", {"\"b\"", "\"a\""}, "\"a\"", weak, TagMatch::listed},
      {"weak against strong, weakly", {"W/\"a\""}, "\"a\"", weak, TagMatch::listed},
      {"weak against strong, strongly", {"W/\"a\""}, "\"a\"", strong, TagMatch::not_listed},
      {"strong against strong, strongly", {"\"a\""}, "\"a\"", strong, TagMatch::listed},
      {"star", {"*"}, "\"a\"", weak, TagMatch::any},
      {"star when there is no tag", {"*"}, "", weak, TagMatch::any},
      {"star and empty members", {" ,*, "}, "\"a\"", weak, TagMatch::any},
      {"star and an empty line", {"", "*"}, "\"a\"", weak, TagMatch::any},
      {"star twice is malformed", {"*", "*"}, "\"a\"", weak, TagMatch::not_listed},
      {"star beside another tag", {"*, \"b\""}, "\"a\"", weak, TagMatch::not_listed},
      {"star beside the tag", {"*", "\"a\""}, "\"a\"", weak, TagMatch::listed},
      {"a quoted star is a tag", {"\"*\""}, "\"a\"", weak, TagMatch::not_listed},
      {"empty", {""}, "\"a\"", weak, TagMatch::not_listed},
      {"no tag to compare", {"\"a\""}, "", weak, TagMatch::not_listed},
      {"a malformed line hides no other", {"\"b", "\"a\""}, "\"a\"", weak, TagMatch::listed},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fields fields;
    fields.add(FieldName::if_match, "\"a\", *");  // another field is not looked at
    for (const std::string_view line : c.lines) fields.add(FieldName::if_none_match, line);
    CHECK(match_entity_tag(fields, FieldName::if_none_match, parse_entity_tag(c.tag),
                           c.comparison) == c.expected);
  }
}

}  // namespace
}  // namespace larder::http
