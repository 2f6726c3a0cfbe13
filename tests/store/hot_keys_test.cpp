#include "store/hot_keys.hpp"

#include <doctest/doctest.h>

namespace larder::store {
namespace {

const Resource models{.rule = "models", .path = "/api/models/"};

std::string names(const HotKeys& keys) {
  std::string names;
  for (const HotKeys::Hot& hot : keys.hottest())
    names += parse_hot_key(hot.text)->key + ":" + std::to_string(hot.count) + " ";
  return names;
}

void note(HotKeys& keys, std::string_view key, int times) {
  for (int i = 0; i < times; ++i) keys.note(key, models);
}

TEST_CASE("hot key: its text has all that it takes to look it up") {
  const std::vector<std::string> tags{"t:user:7", "t:,5:"};
  const Resource resource{.rule = "models",
                          .path = "/api/models/",
                          .user = "5f1c",
                          .rule_tags = tags,
                          .most_variants = 12};
  const std::string text = format_hot_key("k?page=2", resource);
  CHECK(text == "1:1,8:k?page=2,6:models,12:/api/models/,4:5f1c,2:12,8:t:user:7,5:t:,5:,");
  const std::optional<HotKey> key = parse_hot_key(text);
  REQUIRE(key);
  CHECK(key->key == "k?page=2");
  CHECK(key->resource().rule == "models");
  CHECK(key->resource().path == "/api/models/");
  CHECK(key->resource().user == "5f1c");
  CHECK(key->resource().most_variants == 12);
  CHECK(key->rule_tags == tags);
}

TEST_CASE("hot key: what is none") {
  struct Case {
    const char* name;
    std::string text;
  };
  const std::string whole = format_hot_key("k", models);
  const Case cases[] = {
      {"nothing", ""},
      {"any text", "hello"},
      {"cut off", whole.substr(0, whole.size() - 1)},
      {"something behind it", whole + "x"},
      {"another format", "1:2" + whole.substr(3)},
      {"a size beyond the end", "99999:1,"},
      {"a size beyond all integers", "99999999999999999999999:1,"},
      {"a negative size", "-1:1,"},
      {"no size", ":1,"},
      {"no key", format_hot_key("", models)},
      {"too few parts", "1:1,1:k,1:r,1:p,0:,"},
      {"a bound that is no number", "1:1,1:k,1:r,1:p,0:,1:x,"},
      {"more tags than a rule can have",
       [&whole] {
         std::string text = whole;
         for (int i = 0; i < 65; ++i) text += "1:t,";
         return text;
       }()},
      {"too long", format_hot_key(std::string(longest_hot_key, 'k'), models)},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK_FALSE(parse_hot_key(c.text));
  }
}

TEST_CASE("hot keys: the most asked for, first the hottest") {
  HotKeys keys(2);
  note(keys, "a", 2);
  note(keys, "b", 5);
  note(keys, "c", 1);
  CHECK(names(keys) == "b:5 a:2 ");
  keys.halve();
  CHECK(names(keys) == "b:2 a:1 ");
  CHECK(keys.size() == 2);
}

TEST_CASE("hot keys: a flood of keys that nobody asks for again displaces no hot one, nor grows") {
  HotKeys keys(4);
  note(keys, "hot", 1'000);
  for (int i = 0; i < 100; ++i) keys.note("flood" + std::to_string(i), models);
  CHECK(keys.size() <= 16);
  CHECK(names(keys).starts_with("hot:"));
}

TEST_CASE("hot keys: where all are hot, a new one waits; a key that is too long is not counted") {
  HotKeys keys(1);
  for (const char* const key : {"a", "b", "c", "d"}) note(keys, key, 8);
  keys.note("e", models);
  CHECK(keys.size() == 4);
  HotKeys others(1);
  others.note(std::string(longest_hot_key, 'k'), models);
  CHECK(others.size() == 0);
}

}  // namespace
}  // namespace larder::store
