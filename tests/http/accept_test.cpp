#include "http/accept.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

using Types = std::vector<std::string>;

std::string normal_form(std::string_view value, const Types& offered) {
  std::string room;
  return std::string(normalise_accept(value, OfferedTypes(offered), room));
}

TEST_CASE("normalise_accept (9110 12.5.1)") {
  const Types html_json = {"text/html", "application/json"};
  const Types json_html = {"application/json", "text/html"};
  const Types json = {"application/json"};
  const Types images = {"image/webp", "image/avif", "image/png"};
  const Types none;
  struct Case {
    std::string_view name;
    std::string_view value;
    const Types& offered;
    std::string_view expected;
  };
  const Case cases[] = {
      {"absent or empty", "", html_json, "*/*"},
      {"whitespace", " \t", html_json, "*/*"},
      {"empty members", " , ,", html_json, "*/*"},
      {"anything", "*/*", html_json, "*/*"},
      {"anything, weighed", "*/*;q=0.1", html_json, "*/*"},
      {"anything, with nothing offered", "*/*", none, "*/*"},
      {"one named", "application/json", html_json, "application/json"},
      {"one named, in capitals", "Application/JSON", html_json, "application/json"},
      {"named before a wildcard of the same weight", "application/json, text/plain, */*", html_json,
       "application/json"},
      {"a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
       json_html, "text/html"},
      {"a browser's images, server's order among the client's",
       "image/avif,image/webp,image/png,*/*;q=0.8", images, "image/avif"},
      {"the greater weight", "text/html;q=0.5, application/json;q=0.6", html_json,
       "application/json"},
      {"weights to three places", "text/html;q=0.999, application/json;q=0.998", html_json,
       "text/html"},
      {"the same weight: the client's order", "application/json, text/html", html_json,
       "application/json"},
      {"a wildcard subtype loses to a name", "text/*, application/json", html_json,
       "application/json"},
      {"a wildcard subtype beats */*", "*/*, text/*", json_html, "text/html"},
      {"a greater weight by wildcard wins", "text/html;q=0.5, */*", html_json, "application/json"},
      {"the most specific range decides", "text/*;q=0.9, text/html;q=0.1, application/json;q=0.5",
       html_json, "application/json"},
      {"refused by name, taken by wildcard", "text/html;q=0, */*", html_json, "application/json"},
      {"the server's order among wildcards", "text/*, application/*", json_html, "text/html"},
      {"nothing offered is named: alike", "image/png, */*;q=0.5", html_json, "*/*"},
      {"the only one offered, by wildcard alike", "text/html, */*;q=0.5", json, "*/*"},
      {"not acceptable", "image/png", html_json, "=image/png"},
      {"refused", "application/json;q=0", json, "=application/json;q=0"},
      {"everything refused", "*/*;q=0", json, "=*/*;q=0"},
      {"nothing offered", "text/html , Text/Plain; q=0.5", none, "=text/html,text/plain;q=0.5"},
      {"a parameter makes another type", "application/json;version=2", json,
       "=application/json;version=2"},
      {"a parameter in quotes keeps its case", "a/b;c=\"D e\"", json, "=a/b;c=\"D e\""},
      {"extensions behind the weight", "application/json;q=0.5;a;b=c", json, "application/json"},
      {"an empty parameter", "application/json; ;q=1", json, "application/json"},
      {"spaces around everything that may have them", " application/json ; q=0.5 , image/png ",
       json, "application/json"},
      {"an empty parameter behind", "application/json;", json, "application/json"},
      {"and before the next", "application/json;,text/html;q=0.5", html_json, "application/json"},
      {"malformed: spaces around =", "application/json;q = 1", json, "=application/json;q = 1"},
      {"malformed: no name", "application/json;=1", json, "=application/json;=1"},
      {"malformed: behind what is understood", "application/json, x", json, "=application/json,x"},
      {"malformed: behind what takes anything", "*/*, x", json, "=*/*,x"},
      {"malformed: no subtype", "application", json, "=application"},
      {"malformed: an empty subtype", "application/", json, "=application/"},
      {"malformed: a wildcard type", "*/json", json, "=*/json"},
      {"malformed: a star alone", "*; q=.2", json, "=*;q=.2"},
      {"malformed: a weight beyond one", "application/json;q=1.1", json, "=application/json;q=1.1"},
      {"malformed: a weight of four places", "application/json;q=0.1234", json,
       "=application/json;q=0.1234"},
      {"malformed: no weight", "application/json;q=", json, "=application/json;q="},
      {"malformed: a weight in words", "application/json;q=high", json, "=application/json;q=high"},
      {"malformed: a negative weight", "application/json;q=-1", json, "=application/json;q=-1"},
      {"malformed: a parameter without value", "application/json;a", json, "=application/json;a"},
      {"malformed: spaces where none may be", "application / json", json, "=application / json"},
      {"malformed: text behind", "application/json x", json, "=application/json x"},
      {"malformed: quotes that do not close", "a/b;c=\"D  ", json, "=a/b;c=\"D  "},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(normal_form(c.value, c.offered) == c.expected);
  }
}

TEST_CASE("weights") {
  const Types ab = {"a/a", "b/b"};
  CHECK(normal_form("a/a;q=0., b/b;q=0.001", ab) == "b/b");
  CHECK(normal_form("a/a;q=1., b/b;q=1.000", ab) == "a/a");
  CHECK(normal_form("b/b;q=0.5, a/a;q=0.50", ab) == "b/b");
  CHECK(normal_form("b/b;Q=0.5, a/a;q=0.6", ab) == "a/a");
  CHECK(normal_form("b/b;q=0, a/a;q=0.000", ab) == "=b/b;q=0,a/a;q=0.000");
}

TEST_CASE("what was sent never looks like a class") {
  const Types json = {"application/json"};
  CHECK(normal_form("=application/json", json) == "==application/json");
  CHECK(normal_form("text/ html", json) != normal_form("text/html", json));
}

TEST_CASE("offered types may have parameters, and be malformed") {
  const Types offered = {"nonsense", "application/json; v=1", "application/json"};
  CHECK(normal_form("application/json;v=1, application/json;q=0.5", offered) ==
        "application/json; v=1");
  CHECK(normal_form("application/json;v=2, application/json;q=0.5", offered) ==
        "application/json; v=1");
  const Types named = {"text/csv; Header=Present;x=\"A;; \\\" B\""};
  const auto is_taken = [&](std::string_view value) {
    return normal_form(value, named) == named.front();
  };
  CHECK(is_taken("Text/CSV;header=present;x=\"A;; \\\" B\""));
  CHECK(is_taken("text/csv ;; header=present ; ; x=\"A;; \\\" B\" ; q=0.5"));
  CHECK(is_taken("text/csv"));
  CHECK_FALSE(is_taken("text/csv;header=present;x=\"A; \\\" B\""));
  CHECK_FALSE(is_taken("text/csv;x=\"A;; \\\" B\";header=present"));
}

TEST_CASE("AcceptMemory: says what normalise_accept says, time and again") {
  const Types types[] = {{"application/json", "text/html"}, {"text/html", "application/json"}, {}};
  std::vector<std::string> values = {
      "",
      "*/*",
      "text/*",
      "application/json",
      "application/json, text/plain, */*",
      "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      "image/png, image/webp",
      "application/json;q=0.1, text/html",
      "text/html  ;q=1",
      "malformed value",
      std::string(300, ' ') + "text/html"};
  // Many that share a place, and begin and end alike.
  for (int i = 0; i < 200; ++i)
    values.push_back("text/html;q=0.5, a/b" + std::to_string(i) + ", application/json;q=0." +
                     std::to_string(i % 10));
  AcceptMemory memory;
  for (int round = 0; round < 3; ++round) {
    for (const Types& of : types) {
      const OfferedTypes offered(of);
      for (const std::string& value : values) {
        CAPTURE(value);
        std::string room;
        for (int again = 0; again < 2; ++again)
          CHECK(memory.normalise(value, offered, room) == normal_form(value, of));
      }
    }
  }
}

}  // namespace
}  // namespace larder::http
