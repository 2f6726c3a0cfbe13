// Cases: requests and what the rules are expected to make of them, in YAML beside the rules, for
// `larder test`.
//
// As strict as a file of rules: an unknown key is an error with the nearest known one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace larder::config {

struct Expectation {
  std::optional<std::string> rule;     ///< its name; "none": no rule matches
  std::optional<std::string> key;      ///< with its parts filled in: "/api/items/?page=2"
  std::optional<std::string> share;    ///< of the rule
  std::optional<std::string> outcome;  ///< "lookup" or "bypass"
  std::optional<std::string> reason;   ///< `detail` of Cache-Status, or its `fwd` where it has none
  std::vector<std::string> tags;       ///< among the response's
  /// What a write makes old: paths ("/api/items/"), rules ("items"), or tags ("t:user:7").
  std::optional<std::vector<std::string>> evicts;  ///< empty: nothing
  std::vector<std::string> keeps;                  ///< what it does not
};

struct Case {
  Place place;
  std::string name;  ///< empty: its request is its name
  std::string method;
  std::string url;
  std::vector<std::string> fields;  ///< "Name: value"
  std::optional<std::string> user;  ///< whom a verified token speaks of
  std::optional<std::string> peer;  ///< an address; none: one that is trusted
  Expectation expected;
};

struct Cases {
  std::string rules;  ///< the file they are about, as found from here
  std::vector<Case> cases;
  std::vector<Finding> findings;
  [[nodiscard]] bool ok() const { return findings.empty(); }
};

/// Of "items.test.yaml" the rules are in "items.yaml" beside it, unless its `rules` names others.
[[nodiscard]] Cases load_cases(const std::string& file, const Environment& environment);

/// What the loader knows, for messages and tests.
[[nodiscard]] const std::vector<std::string_view>& case_keys();
[[nodiscard]] const std::vector<std::string_view>& expectation_keys();

}  // namespace larder::config
