// YAML source: places in the tree, and the limits of a file. What is wrong with one: broken_test.
#include "config/yaml_source.hpp"

#include <doctest/doctest.h>

#include "files.hpp"

using namespace larder::config;

namespace {

struct Read {
  std::optional<Node> root;
  std::vector<Finding> findings;
};

Read read(std::string text, const larder::test::Variables& variables = {}) {
  Read result;
  Report report("x.yaml", result.findings);
  result.root = parse_yaml(std::move(text), larder::test::make_environment(variables), report);
  return result;
}

}  // namespace

TEST_CASE("each node knows its place, counted in characters") {
  const Read file = read("é: [a, 'b', \"größe x\"]\r\nsecond:\r\n  - {k: v}\r\n");
  REQUIRE(file.root);
  const Entry& first = file.root->entries.at(0);
  CHECK(first.key.place == Place{1, 1});
  CHECK(first.value.place == Place{1, 4});
  CHECK(first.value.items.at(0).place == Place{1, 5});
  CHECK(first.value.items.at(1).place == Place{1, 9});  // behind the quote
  CHECK(first.value.items.at(2).place_within(8) == Place{1, 20});
  CHECK(file.root->entries.at(1).value.items.at(0).entries.at(0).value.place == Place{3, 9});
}

TEST_CASE("a byte order mark is not part of the text") {
  const Read file = read("\xEF\xBB\xBFrules: []\n");
  REQUIRE(file.root);
  CHECK(file.root->entries.at(0).key.text == "rules");
  CHECK(file.root->entries.at(0).key.place == Place{1, 1});
}

TEST_CASE("an offset counts only into text that the file has as it is") {
  const Read file = read("a: \"x\\ty\"\nb: ${V}\nc: |\n  one\n  two\n", {{"V", "value"}});
  REQUIRE(file.root);
  const auto within = [&](std::size_t entry) {
    return file.root->entries.at(entry).value.place_within(3);
  };
  CHECK(within(0) == Place{1, 4});
  CHECK(within(1) == Place{2, 4});
  CHECK(within(2) == Place{3, 4});
}

TEST_CASE("variables are text: they add no YAML, and are not for keys") {
  const Read file = read("${V}: ${V}\n", {{"V", "[a, b]: {c: d}\n- x"}});
  REQUIRE(file.root);
  CHECK(file.findings.empty());
  CHECK(file.root->entries.at(0).key.text == "${V}");
  CHECK(file.root->entries.at(0).value.kind == Node::Kind::scalar);
  CHECK(file.root->entries.at(0).value.text == "[a, b]: {c: d}\n- x");
}

TEST_CASE("null is a word in quotes only") {
  const Read file = read("[null, ~, 'null', \"~\", nullx]");
  REQUIRE(file.root);
  std::string kinds;
  for (const Node& item : file.root->items) kinds += item.kind == Node::Kind::null ? 'n' : 's';
  CHECK(kinds == "nnsss");
}

TEST_CASE("limits in pairs") {
  const std::string fill(file_size_limit - 4, '#');
  CHECK(read("a: 1" + fill).root);
  const Read larger = read("a: 1" + fill + "#");
  CHECK_FALSE(larger.root);
  REQUIRE(larger.findings.size() == 1);
  CHECK(larger.findings.front().message == "larger than 1 MiB, the limit for a file of rules");

  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK(read(nested(nesting_limit)).root);
  CHECK_FALSE(read(nested(nesting_limit + 1)).root);
  // As deep as a file can be: refused before the parser's own stack is at risk.
  CHECK_FALSE(read(std::string(500'000, '[')).root);

  // An alias at the bottom of what is almost too deep.
  const std::string anchored = "a: &a " + nested(nesting_limit - 10) + "\n";
  CHECK(read(anchored + "b: " + std::string(8, '[') + "*a" + std::string(8, ']')).root);
  CHECK_FALSE(read(anchored + "b: " + std::string(10, '[') + "*a" + std::string(10, ']')).root);

  // One large text, repeated.
  std::string repeated = "a: &a " + std::string(100'000, 'x') + "\nb: [";
  for (int count = 0; count < 70; ++count) repeated += "*a,";
  CHECK(read(repeated + "]").root);
  for (int count = 0; count < 20; ++count) repeated += "*a,";
  CHECK_FALSE(read(repeated + "]").root);
}

TEST_CASE("a large flat file is read in no time") {
  std::string text = "[";
  while (text.size() < 700'000) text += "some word,";
  CHECK(read(text + "]").root);
}
