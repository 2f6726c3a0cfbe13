#include "config/cases.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "config/mapping.hpp"
#include "config/report.hpp"
#include "config/rules.hpp"
#include "config/values.hpp"
#include "config/yaml_source.hpp"
#include "policy/nearest.hpp"

namespace larder::config {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string_view>& outcome_words() {
  static const std::vector<std::string_view> words{"lookup", "bypass"};
  return words;
}

class CaseReader {
 public:
  explicit CaseReader(Report& report) : report_(report) {}

  Case run(const Node& node) {
    read_.place = node.place;
    bool has_request = false;
    bool has_expectation = false;
    if (node.kind != Node::Kind::map) {
      report_.error(node.place, "a case is a mapping: 'request' and 'expect'");
      return std::move(read_);
    }
    for (const Entry* entry : read_mapping(node, {"a case", case_keys(), strays()}, report_)) {
      const std::string& key = entry->key.text;
      const Node& value = entry->value;
      if (key == "request") {
        has_request = true;
        read_request(value);
      } else if (key == "fields") {
        read_fields(value);
      } else if (key == "expect") {
        has_expectation = true;
        read_expectation(value);
      } else if (const std::string* text = read_text(value, key, "a text", report_)) {
        if (key == "name") read_.name = *text;
        if (key == "user") read_.user = *text;
        if (key == "peer") read_.peer = *text;
      }
    }
    if (!has_request) report_.error(node.place, "a case needs 'request', such as GET /api/items/");
    if (!has_expectation) report_.error(node.place, "a case needs 'expect'");
    return std::move(read_);
  }

 private:
  /// What is expected stands one level deeper.
  static std::vector<Stray> strays() {
    std::vector<Stray> all;
    for (const std::string_view key : expectation_keys())
      all.push_back({key, "it belongs below 'expect:'"});
    return all;
  }

  void read_request(const Node& value) {
    const std::string* text = read_text(value, "request", "such as GET /api/items/", report_);
    if (!text) return;
    const std::size_t space = text->find(' ');
    if (space == std::string::npos || !is_token(std::string_view(*text).substr(0, space))) {
      report_.error(
          value.place,
          "request: expected a method and a path, such as GET /api/items/, found " + quote(*text));
      return;
    }
    read_.method = text->substr(0, space);
    read_.url = std::string(trim(std::string_view(*text).substr(space + 1)));
  }

  void read_fields(const Node& value) {
    if (value.kind != Node::Kind::map) {
      report_.error(value.place, "fields: expected a mapping, such as {Accept: text/html}");
      return;
    }
    for (const Entry& entry : value.entries) {
      if (const std::string* text = read_text(entry.value, entry.key.text, "a text", report_))
        read_.fields.push_back(entry.key.text + ": " + *text);
    }
  }

  std::vector<std::string> read_texts(const Node& value, std::string_view owner) {
    std::vector<std::string> texts;
    for (const Node* item : read_list(value, owner, report_))
      if (const std::string* text = read_text(*item, owner, "a text", report_))
        texts.push_back(*text);
    return texts;
  }

  std::optional<std::string> read_word(const Node& value, std::string_view owner,
                                       const std::vector<std::string_view>& known) {
    const std::string* text = read_text(value, owner, join_words(known), report_);
    if (!text) return std::nullopt;
    if (std::find(known.begin(), known.end(), *text) == known.end()) {
      report_.error(value.place, std::string(owner) + ": unknown word " + quote(*text) +
                                     policy::suggest_nearest(*text, known) + "; known are " +
                                     join_words(known));
      return std::nullopt;
    }
    return *text;
  }

  void read_expectation(const Node& node) {
    if (node.kind != Node::Kind::map || node.entries.empty()) {
      report_.error(node.place,
                    "expect: a mapping with at least one of " + join_words(expectation_keys()));
      return;
    }
    Expectation& expected = read_.expected;
    for (const Entry* entry : read_mapping(node, {"'expect'", expectation_keys(), {}}, report_)) {
      const std::string& key = entry->key.text;
      const Node& value = entry->value;
      if (key == "share") {
        expected.share = read_word(value, key, share_words());
      } else if (key == "outcome") {
        expected.outcome = read_word(value, key, outcome_words());
      } else if (key == "tags") {
        expected.tags = read_texts(value, key);
      } else if (key == "evicts") {
        expected.evicts = read_texts(value, key);
      } else if (key == "keeps") {
        expected.keeps = read_texts(value, key);
      } else if (const std::string* text = read_text(value, key, "a text", report_)) {
        if (key == "rule") expected.rule = *text;
        if (key == "key") expected.key = *text;
        if (key == "reason") expected.reason = *text;
      }
    }
  }

  Report& report_;
  Case read_;
};

/// "rules/items.test.yaml" is about "rules/items.yaml"; nothing where the name says no such thing.
std::string rules_beside(const fs::path& file) {
  const fs::path stem = file.stem();  // "items.test"
  if (stem.extension() != ".test") return {};
  return (file.parent_path() / stem.stem()).string() + file.extension().string();
}

}  // namespace

Cases load_cases(const std::string& file, const Environment& environment) {
  Cases loaded;
  loaded.rules = rules_beside(file);
  Report report(file, loaded.findings);
  const std::optional<Node> root = read_yaml(file, environment, report);
  if (!root) return loaded;
  if (root->kind != Node::Kind::map) {
    report.error(root->place, "a file of cases is a mapping: 'cases:' with a list below");
    return loaded;
  }
  bool has_cases = false;
  for (const Entry* entry :
       read_mapping(*root, {"a file of cases", {"rules", "cases"}, {}}, report)) {
    const Node& value = entry->value;
    if (entry->key.text == "rules") {
      if (const std::string* text = read_text(value, "rules", "a file of rules", report))
        loaded.rules = (fs::path(file).parent_path() / *text).string();
      continue;
    }
    has_cases = true;
    for (const Node* item : read_list(value, "cases", report))
      loaded.cases.push_back(CaseReader(report).run(*item));
  }
  if (!has_cases || (loaded.cases.empty() && loaded.findings.empty()))
    report.error(root->place, "'cases:' is missing or empty");
  return loaded;
}

const std::vector<std::string_view>& case_keys() {
  static const std::vector<std::string_view> keys{"name", "request", "fields",
                                                  "user", "peer",    "expect"};
  return keys;
}

const std::vector<std::string_view>& expectation_keys() {
  static const std::vector<std::string_view> keys{"rule",   "key",  "share",  "outcome",
                                                  "reason", "tags", "evicts", "keeps"};
  return keys;
}

}  // namespace larder::config
