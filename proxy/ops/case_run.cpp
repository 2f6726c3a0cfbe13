#include "ops/case_run.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "config/rule_text.hpp"
#include "ops/asked_request.hpp"
#include "policy/detail_words.hpp"
#include "policy/explanation.hpp"

namespace larder::ops {
namespace {

using policy::Explanation;

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text) + "'";
}

bool contains(const policy::Tags& tags, const std::string& tag) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

class Run {
 public:
  Run(const config::Case& one, const config::Config& config, const policy::RouteIndex& index)
      : case_(one), config_(config), index_(index) {}

  CaseResult run() {
    const std::optional<Explanation> explained = explain(case_.method, case_.url);
    if (!explained) return std::move(result_);
    const config::Expectation& expected = case_.expected;
    compare("rule", expected.rule, explained->rule ? explained->rule->name : "none");
    if (!result_.ok()) note_why(*explained);
    compare("key", expected.key,
            explained->key.empty() ? std::string("none") : explained->filled_in);
    compare("share", expected.share, share_of(*explained));
    compare("outcome", expected.outcome, explained->is_looked_up ? "lookup" : "bypass");
    compare("reason", expected.reason, reason_of(*explained));
    const policy::Tags tags = tags_of(*explained);
    for (const std::string& tag : expected.tags)
      if (!contains(tags, tag))
        differs("tags: expected " + in_quotes(tag) + " among " + list(tags));
    compare_evictions(*explained);
    return std::move(result_);
  }

 private:
  void differs(std::string what) { result_.differences.push_back(std::move(what)); }

  void compare(std::string_view what, const std::optional<std::string>& expected,
               const std::string& found) {
    if (expected && *expected != found)
      differs(std::string(what) + ": expected " + in_quotes(*expected) + ", got " +
              in_quotes(found));
  }

  void note_why(const Explanation& explained) {
    const std::string& expected = *case_.expected.rule;
    for (const policy::NotMatched& passed : explained.before)
      if (passed.rule->name == expected)
        differs("  " + in_quotes(passed.pattern->text) + ": " + passed.why);
  }

  /// Nothing: it is no request, which is noted.
  std::optional<Explanation> explain(const std::string& method, const std::string& url) {
    Asked asked{.method = method, .url = url, .fields = case_.fields};
    if (case_.peer) asked.peer = *case_.peer;
    if (case_.user) asked.fields.emplace_back("Authorization: Bearer assumed");
    auto made = AskedRequest::make(asked, config_.settings);
    if (const auto* wrong = std::get_if<std::string>(&made)) {
      differs(method + " " + url + ": " + *wrong);
      return std::nullopt;
    }
    AskedRequest& request = *std::get<std::unique_ptr<AskedRequest>>(made);
    if (case_.user) {
      request.assume(make_assumed_identity(config_.settings, *case_.user));
    } else {
      // Nothing in a case verifies by the time of day.
      request.identify(config_.settings, policy::SystemSeconds());
    }
    return policy::explain(request.explained(config_.routes, index_, config_.settings));
  }

  static std::string share_of(const Explanation& explained) {
    if (!explained.rule) return "none";
    for (const config::RuleKeyText& said : config::describe_rule(*explained.rule))
      if (said.key == "share") return said.value;
    return {};
  }

  static std::string reason_of(const Explanation& explained) {
    const policy::CacheOutcome& outcome = explained.outcome;
    if (outcome.detail != policy::Detail::none)
      return std::string(policy::format_detail(outcome.detail));
    return outcome.forward ? std::string(policy::format_forward_reason(*outcome.forward)) : "none";
  }

  static policy::Tags tags_of(const Explanation& explained) {
    if (!explained.is_looked_up) return {};
    return policy::tags_of_response(explained.rule->name, explained.path, explained.user,
                                    explained.rule_tags);
  }

  static std::string list(const policy::Tags& tags) {
    std::string text;
    for (const std::string& tag : tags) text += (text.empty() ? "" : ", ") + tag;
    return text.empty() ? "none" : text;
  }

  /// Does the write evict it? Nothing: it cannot be, which is noted.
  std::optional<bool> is_evicted(const Explanation& write, const std::string& what) {
    if (!what.starts_with('/')) {
      const bool is_tag = what.find(':') != std::string::npos;
      return contains(write.evicts, is_tag ? what : "r:" + what);
    }
    const std::optional<Explanation> stored = explain("GET", what);
    if (!stored) return std::nullopt;
    const policy::Tags tags = tags_of(*stored);
    if (tags.empty()) {
      differs("evicts: nothing is ever stored for GET " + what +
              " with these fields: " + std::string(policy::describe(stored->outcome.detail)));
      return std::nullopt;
    }
    return std::any_of(tags.begin(), tags.end(),
                       [&](const std::string& tag) { return contains(write.evicts, tag); });
  }

  void compare_evictions(const Explanation& write) {
    const config::Expectation& expected = case_.expected;
    if (expected.evicts && expected.evicts->empty() && !write.evicts.empty())
      differs("evicts: expected nothing, got " + list(write.shown_evicts));
    for (const std::string& what : expected.evicts.value_or(std::vector<std::string>())) {
      const std::optional<bool> is = is_evicted(write, what);
      if (is && !*is)
        differs("evicts: " + in_quotes(what) + " is not evicted, only " + list(write.shown_evicts));
    }
    for (const std::string& what : expected.keeps) {
      const std::optional<bool> is = is_evicted(write, what);
      if (is && *is) differs("keeps: " + in_quotes(what) + " is evicted");
    }
  }

  const config::Case& case_;
  const config::Config& config_;
  const policy::RouteIndex& index_;
  CaseResult result_;
};

}  // namespace

CaseResult run_case(const config::Case& one, const config::Config& config,
                    const policy::RouteIndex& index) {
  return Run(one, config, index).run();
}

}  // namespace larder::ops
