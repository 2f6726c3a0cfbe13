#include "config/mapping.hpp"

#include <algorithm>

#include "config/values.hpp"
#include "policy/nearest.hpp"

namespace larder::config {
namespace {

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string describe_unknown(std::string_view key, const Vocabulary& vocabulary) {
  const std::string what = "unknown key " + quote(key);
  if (key == "<<") return what + ": YAML's merge keys are not supported";
  for (const Stray& stray : vocabulary.strays) {
    if (stray.word == key) return what + " here: " + std::string(stray.advice);
  }
  const std::string hint = policy::suggest_nearest(key, vocabulary.known);
  if (!hint.empty()) return what + hint;
  constexpr std::size_t most_listed = 10;
  if (vocabulary.known.size() > most_listed)
    return what + "; rules/README.md lists those there are";
  return what + "; " + std::string(vocabulary.owner) + " has " + join_words(vocabulary.known);
}

}  // namespace

std::string join_words(const std::vector<std::string_view>& words) {
  std::string joined;
  for (std::size_t index = 0; index < words.size(); ++index) {
    if (index != 0) joined += index + 1 == words.size() ? " and " : ", ";
    joined += words[index];
  }
  return joined;
}

std::vector<const Entry*> read_mapping(const Node& map, const Vocabulary& vocabulary,
                                       Report& report) {
  std::vector<const Entry*> entries;
  std::vector<const Node*> seen;
  for (const Entry& entry : map.entries) {
    const Node& key = entry.key;
    if (key.kind == Node::Kind::broken) continue;
    const auto before = std::find_if(seen.begin(), seen.end(),
                                     [&key](const Node* one) { return one->text == key.text; });
    if (before != seen.end()) {
      report.error(key.place, "the key " + quote(key.text) + " stands here twice, first on line " +
                                  std::to_string((*before)->place.line));
      continue;
    }
    seen.push_back(&key);
    if (contains(vocabulary.known, key.text)) {
      entries.push_back(&entry);
    } else {
      report.error(key.place, describe_unknown(key.text, vocabulary));
    }
  }
  return entries;
}

std::vector<const Node*> read_list(const Node& node, std::string_view owner, Report& report) {
  std::vector<const Node*> items;
  const auto add = [&](const Node& item) {
    if (item.kind == Node::Kind::null) {
      report.error(item.place, std::string(owner) + ": a value is missing");
    } else if (item.kind != Node::Kind::broken) {
      items.push_back(&item);
    }
  };
  if (node.kind != Node::Kind::list) {
    add(node);
    return items;
  }
  for (const Node& item : node.items) add(item);
  return items;
}

const std::string* read_text(const Node& node, std::string_view owner, std::string_view what,
                             Report& report) {
  if (node.kind == Node::Kind::scalar) return &node.text;
  if (node.kind == Node::Kind::broken) return nullptr;
  if (node.kind == Node::Kind::null) {
    report.error(node.place,
                 std::string(owner) + ": a value is missing; expected " + std::string(what));
  } else {
    report.error(node.place, std::string(owner) + ": expected " + std::string(what) + ", found " +
                                 (node.kind == Node::Kind::list ? "a list" : "a mapping"));
  }
  return nullptr;
}

}  // namespace larder::config
