// Routing: where a connection's request leads, by its path: the path's normal form and the rule.
//
// Kept for the next request, which often asks for the same: comparing its path takes a tenth of
// the 600 instructions of finding the rule anew.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/target.hpp"
#include "policy/lookup.hpp"
#include "session/worker.hpp"

namespace larder::session {

class Routing {
 public:
  Routing() = default;
  Routing(const Routing&) = delete;
  Routing& operator=(const Routing&) = delete;

  /// `sent`: the request's path as it came.
  void follow(std::string_view sent, const std::shared_ptr<const RuleSet>& rules) {
    if (sent == sent_ && rules == rules_) return;
    sent_ = sent;
    if (rules != rules_) variants_.section = 0;
    rules_ = rules;
    is_ambiguous_ = http::normalise_path(sent, path_) != http::Ambiguity::none;
    match_ = is_ambiguous_ ? policy::RouteMatch() : rules->index.match(path_);
  }
  /// Gives up its room, and the rules.
  void clear() {
    for (std::string* const text : {&sent_, &path_, &variants_.text}) std::string().swap(*text);
    variants_.section = 0;
    rules_.reset();
    match_ = {};
  }

  // Of what was followed last:
  [[nodiscard]] const std::shared_ptr<const RuleSet>& rules() const { return rules_; }
  /// In its normal form; of no use when ambiguous.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool is_ambiguous() const { return is_ambiguous_; }
  [[nodiscard]] const policy::RouteMatch& match() const { return match_; }

  /// Of these rules, for this connection's requests alone.
  [[nodiscard]] policy::VariantMemory& variants() { return variants_; }

 private:
  std::string sent_;  ///< empty, as no path is: nothing was followed
  std::shared_ptr<const RuleSet> rules_;
  std::string path_;
  bool is_ambiguous_ = false;
  policy::RouteMatch match_;  ///< views into `path_`
  policy::VariantMemory variants_;
};

}  // namespace larder::session
