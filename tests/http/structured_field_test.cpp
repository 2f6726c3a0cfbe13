#include "http/structured_field.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::http::structured {
namespace {

// What was read, written as RFC 9651 4.1 would, so that rows name type and value in one text. Bytes
// stand between colons undecoded, a Display String as its UTF-8.
struct Format {
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(const Decimal& value) const {
    const std::int64_t size = value.thousandths < 0 ? -value.thousandths : value.thousandths;
    const std::string fraction = std::to_string(1000 + size % 1000).substr(1);
    return (value.thousandths < 0 ? "-" : "") + std::to_string(size / 1000) + "." + fraction;
  }
  std::string operator()(const std::string& value) const { return '"' + value + '"'; }
  std::string operator()(const Token& value) const { return value.text; }
  std::string operator()(const ByteSequence& value) const { return ':' + value.bytes + ':'; }
  std::string operator()(bool value) const { return value ? "?1" : "?0"; }
  std::string operator()(const Date& value) const { return '@' + std::to_string(value.seconds); }
  std::string operator()(const DisplayString& value) const { return "%\"" + value.utf8 + '"'; }

  std::string operator()(const Parameters& parameters) const {
    std::string text;
    for (const Parameter& parameter : parameters)
      text += ";" + parameter.key + "=" + std::visit(*this, parameter.value);
    return text;
  }
  std::string operator()(const Item& item) const {
    return std::visit(*this, item.value) + (*this)(item.parameters);
  }
  std::string operator()(const InnerList& list) const {
    std::string text = "(";
    for (const Item& item : list.items) text += (text.size() > 1 ? " " : "") + (*this)(item);
    return text + ")" + (*this)(list.parameters);
  }
  std::string operator()(const List& list) const {
    std::string text;
    for (const Member& member : list)
      text += (text.empty() ? "" : ", ") + std::visit(*this, member);
    return text;
  }
  std::string operator()(const Dictionary& dictionary) const {
    std::string text;
    for (const DictionaryMember& member : dictionary)
      text += (text.empty() ? "" : ", ") + member.key + "=" + std::visit(*this, member.value);
    return text;
  }
};

template <typename Result>
std::string format(const std::optional<Result>& result) {
  return result ? Format{}(*result) : "fails";
}

struct Case {
  std::string text;
  std::string expected;
};

TEST_CASE("Integers and Decimals (9651 4.2.4)") {
  const Case cases[] = {
      {"42", "42"},
      {"0", "0"},
      {"-0", "0"},
      {"-42", "-42"},
      {"042", "42"},
      {"999999999999999", "999999999999999"},
      {"-999999999999999", "-999999999999999"},
      {"1000000000000000", "fails"},
      {"000000000000001", "1"},
      {"0000000000000001", "fails"},
      {"--1", "fails"},
      {"-", "fails"},
      {"+1", "fails"},
      {"- 1", "fails"},
      {"4 2", "fails"},
      {"4a", "fails"},
      {"1e3", "fails"},
      {"1.5", "1.500"},
      {"-1.5", "-1.500"},
      {"-0.5", "-0.500"},
      {"1.123", "1.123"},
      {"1.1234", "fails"},
      {"1.", "fails"},
      {".1", "fails"},
      {"-.1", "fails"},
      {"1.5.4", "fails"},
      {"1..5", "fails"},
      {"1.-5", "fails"},
      {"123456789012.1", "123456789012.100"},
      {"1234567890123.1", "fails"},
      {"00000000000000000001.5", "fails"},
      {"  42  ", "42"},
      {"\t42", "fails"},
      {"42\t", "fails"},
      {"", "fails"},
      {"   ", "fails"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(format(parse_item(c.text)) == c.expected);
  }
}

TEST_CASE("Strings (9651 4.2.5)") {
  const Case cases[] = {
      {"\"foo bar\"", "\"foo bar\""},
      {"\"\"", "\"\""},
      {"\"b\\\"a\\\\r\"", "\"b\"a\\r\""},
      {"\"a, b;c=(d)\"", "\"a, b;c=(d)\""},
      {"\"foo", "fails"},
      {"\"", "fails"},
      {"\"foo\\", "fails"},
      {"\"foo\\\"", "fails"},
      {"\"foo\\,\"", "fails"},
      {"\"a\tb\"", "fails"},
      {"\"a\x7f\"", "fails"},
      {"\"\xc3\xbc\"", "fails"},
      {std::string("\"a\0b\"", 5), "fails"},
      {"'foo'", "fails"},
      {"\"a\"b", "fails"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(format(parse_item(c.text)) == c.expected);
  }
}

TEST_CASE("Tokens (9651 4.2.6)") {
  const Case cases[] = {
      {"a_b-c.d3:f%00/*", "a_b-c.d3:f%00/*"},
      {"*foo", "*foo"},
      {"Upper", "Upper"},
      {"a!#$&'+^`|~", "a!#$&'+^`|~"},
      {"_a", "fails"},
      {"/a", "fails"},
      {"a b", "fails"},
      {"a\"", "fails"},
      {"a@", "fails"},
      {"\xc3\xbc", "fails"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(format(parse_item(c.text)) == c.expected);
  }
}

TEST_CASE("Byte Sequences (9651 4.2.7)") {
  const Case cases[] = {
      {":aGVsbG8=:", ":hello:"},
      {":aGVsbG8gd28=:", ":hello wo:"},
      {":aGVsbG8h:", ":hello!:"},
      {":aA==:", ":h:"},
      {"::", "::"},
      {":aGVsbG8:", ":hello:"},   // padding that is missing is synthesised
      {":aGVsbG9=:", ":hello:"},  // bits left over are not looked at
      {":+/8=:", ":\xfb\xff:"},
      {":-_8=:", "fails"},
      {":aGVsbG8=", "fails"},
      {":", "fails"},
      {":aGVsb G8=:", "fails"},
      {":aGVsbG8==:", "fails"},
      {":aGVsbG8h=:", "fails"},
      {":aGVsbG8====:", "fails"},
      {":a=GVsbG8:", "fails"},
      {":a:", "fails"},
      {":=:", "fails"},
      {":aGVsbG8=:a", "fails"},
      {":\"aGVsbG8=\":", "fails"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(format(parse_item(c.text)) == c.expected);
  }
}

TEST_CASE("Booleans, Dates and Display Strings (9651 4.2.8, 4.2.9, 4.2.10)") {
  const Case cases[] = {
      {"?1", "?1"},
      {"?0", "?0"},
      {"?", "fails"},
      {"?2", "fails"},
      {"?T", "fails"},
      {"?10", "fails"},
      {"? 1", "fails"},
      {"@1659578233", "@1659578233"},
      {"@-1659578233", "@-1659578233"},
      {"@0", "@0"},
      {"@1659578233.5", "fails"},
      {"@", "fails"},
      {"@?1", "fails"},
      {"@ 1", "fails"},
      {"%\"foo bar\"", "%\"foo bar\""},
      {"%\"\"", "%\"\""},
      {"%\"f%c3%bc\"", "%\"f\xc3\xbc\""},
      {"%\"%22%25\"", "%\"\"%\""},
      {"%\"\\a\"", "%\"\\a\""},
      {"%\"f%C3%BC\"", "fails"},
      {"%\"f%c3\"", "fails"},
      {"%\"f%c\"", "fails"},
      {"%\"f%\"", "fails"},
      {"%\"f%cg\"", "fails"},
      {"%\"f\xc3\xbc\"", "fails"},
      {"%\"a\tb\"", "fails"},
      {"%\"foo", "fails"},
      {"%foo", "fails"},
      {"%", "fails"},
      {"% \"foo\"", "fails"},
      {"%\"%c0%80\"", "fails"},        // overlong
      {"%\"%e0%9f%bf\"", "fails"},     // overlong
      {"%\"%f0%8f%bf%bf\"", "fails"},  // overlong
      {"%\"%ed%a0%80\"", "fails"},     // a surrogate
      {"%\"%f4%90%80%80\"", "fails"},  // above U+10FFFF
      {"%\"%f5%80%80%80\"", "fails"},
      {"%\"%80\"", "fails"},
      {"%\"%e2%82\"", "fails"},
      {"%\"%e2%28%a1\"", "fails"},
      {"%\"%e2%82%ac%f0%9f%98%80%ed%9f%bf%f4%8f%bf%bf\"",
       "%\"\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf\""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(format(parse_item(c.text)) == c.expected);
  }
}

TEST_CASE("Items and their parameters (9651 4.2.3)") {
  const Case cases[] = {
      {"text/html;charset=utf-8", "text/html;charset=utf-8"},
      {"a;b;c=?0;d=1.5", "a;b=?1;c=?0;d=1.500"},
      {"a; b;   c=1", "a;b=?1;c=1"},
      {"a;b=1;c=2;b=3", "a;b=3;c=2"},
      {"a;*b_1-.*=1", "a;*b_1-.*=1"},
      {"a ;b", "fails"},
      {"a;\tb", "fails"},
      {"a;b =1", "fails"},
      {"a;b= 1", "fails"},
      {"a;b=", "fails"},
      {"a;", "fails"},
      {"a;;b", "fails"},
      {"a;B", "fails"},
      {"a;1b", "fails"},
      {"a;b=(1)", "fails"},
      {"a, b", "fails"},
      {"(a b)", "fails"},
      {";a", "fails"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(format(parse_item(c.text)) == c.expected);
  }
}

TEST_CASE("Lists and Inner Lists (9651 4.2.1)") {
  const Case cases[] = {
      {"", ""},
      {"  ", ""},
      {"1, 42", "1, 42"},
      {"1,42", "1, 42"},
      {"1 ,\t42 ", "1, 42"},
      {"  1", "1"},
      {"1\t", "1"},
      {"\t1", "fails"},
      {"1,", "fails"},
      {"1, ", "fails"},
      {",1", "fails"},
      {"1,,2", "fails"},
      {"1 2", "fails"},
      {"1;2", "fails"},
      {"a;b=1, \"c\";d", "a;b=1, \"c\";d=?1"},
      {"(1 2), (3)", "(1 2), (3)"},
      {"()", "()"},
      {"( )", "()"},
      {"(  1   2  )", "(1 2)"},
      {"(1;a 2;b=\"c\");d=?0", "(1;a=?1 2;b=\"c\");d=?0"},
      {"(), ()", "(), ()"},
      {"(1", "fails"},
      {"(1 ", "fails"},
      {"(", "fails"},
      {"1)", "fails"},
      {"(1,2)", "fails"},
      {"(1\t2)", "fails"},
      {"(1\"a\")", "fails"},
      {"((1))", "fails"},
      {"(1)(2)", "fails"},
      {"(1) ;a", "fails"},
      {"(1);", "fails"},
      {"a=1", "fails"},
      {"\"a\", b, ?1, :aA==:, @1, %\"d\"", "\"a\", b, ?1, :h:, @1, %\"d\""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(format(parse_list(c.text)) == c.expected);
  }
}

TEST_CASE("Dictionaries (9651 4.2.2)") {
  const Case cases[] = {
      {"", ""},
      {"  ", ""},
      {"en=\"Applepie\", da=:w4Y=:", "en=\"Applepie\", da=:\xc3\x86:"},
      {"a=?0, b, c; foo=bar", "a=?0, b=?1, c=?1;foo=bar"},
      {"a", "a=?1"},
      {"a;b=1", "a=?1;b=1"},
      {"a=1;b=2", "a=1;b=2"},
      {"a=(1 2);b, c=()", "a=(1 2);b=?1, c=()"},
      {"a=1,b=2", "a=1, b=2"},
      {"a=1 \t,\t b=2", "a=1, b=2"},
      {"a=1,b=2,a=3", "a=3, b=2"},
      {"a=1;x,b=2,a", "a=?1, b=2"},
      {"*a=1, a_-.*9=2", "*a=1, a_-.*9=2"},
      {"a=1,", "fails"},
      {"a=1,,b=2", "fails"},
      {",a=1", "fails"},
      {"a=1 b=2", "fails"},
      {"a =1", "fails"},
      {"a= 1", "fails"},
      {"a=", "fails"},
      {"a=,b=1", "fails"},
      {"=1", "fails"},
      {"A=1", "fails"},
      {"1a=1", "fails"},
      {"-a=1", "fails"},
      {"a=b=c", "fails"},
      {"\"a\"=1", "fails"},
      {"max-age=10000, &&&&&", "fails"},
      {"a=1;", "fails"},
      {"\xc3\xbc=1", "fails"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(format(parse_dictionary(c.text)) == c.expected);
  }
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST_CASE("what every parser supports is supported, and a bound is set to it (9651 3.1, 3.2)") {
  CHECK(parse_list("1" + repeat(",1", most_members - 1))->size() == most_members);
  CHECK(!parse_list("1" + repeat(",1", most_members)));

  CHECK(parse_list("(1" + repeat(" 1", most_inner_items - 1) + ")"));
  CHECK(!parse_list("(1" + repeat(" 1", most_inner_items) + ")"));

  std::string dictionary;
  std::string parameters = "a";
  for (std::size_t i = 0; i < most_members; ++i) dictionary += "k" + std::to_string(i) + ",";
  for (std::size_t i = 0; i < most_parameters; ++i) parameters += ";k" + std::to_string(i);
  CHECK(parse_dictionary(dictionary + "k1")->size() == most_members);
  CHECK(!parse_dictionary(dictionary + "more"));
  CHECK(parse_item(parameters + ";k1")->parameters.size() == most_parameters);
  CHECK(!parse_item(parameters + ";more"));

  CHECK(parse_item("\"" + repeat("a", 1024) + "\""));
  CHECK(parse_item(repeat("a", 512)));
  CHECK(parse_item(":" + repeat("YWFh", 16384 / 3 + 1) + ":"));
  CHECK(parse_dictionary(repeat("a", 64)));

  CHECK(parse_item("\"" + repeat("a", most_bytes - 2) + "\""));
  CHECK(!parse_item("\"" + repeat("a", most_bytes - 1) + "\""));
}

TEST_CASE("value_as") {
  const List list = *parse_list("\"a\", b, 1, (2)");
  REQUIRE(value_as<std::string>(list[0]));
  CHECK(*value_as<std::string>(list[0]) == "a");
  CHECK(!value_as<std::string>(list[1]));
  CHECK(*value_as<std::int64_t>(list[2]) == 1);
  CHECK(!value_as<std::int64_t>(list[3]));
}

}  // namespace
}  // namespace larder::http::structured
