#include "policy/explanation.hpp"

#include <algorithm>
#include <variant>

#include "http/cookies.hpp"
#include "identity/digest.hpp"
#include "policy/evicting_write.hpp"
#include "policy/mismatch.hpp"
#include "policy/redaction.hpp"
#include "policy/rule_tags.hpp"

namespace larder::policy {
namespace {

using identity::Identification;
using identity::Identity;

// --- Rules -------------------------------------------------------------------

/// Every pattern before the one that matches, in the order of the file.
void explain_match(const ExplainedRequest& request, const RouteMatch& match,
                   Explanation& explanation) {
  explanation.rule = match.rule;
  PathParameters
      parameters;  // all of them: a match has those alone that its rule's key or tags name
  for (const RouteRule& rule : request.routes.rules) {
    for (const PathPattern& pattern : rule.paths) {
      if (&rule == match.rule && pattern.matches(explanation.path, parameters)) {
        explanation.pattern = &pattern;
        for (const auto& [name, value] : parameters)
          explanation.parameters.emplace_back(name, value);
        return;
      }
      explanation.before.push_back({&rule, &pattern, describe_mismatch(pattern, explanation.path)});
    }
  }
}

// --- Keys --------------------------------------------------------------------

/// What one part of the key counts of the query, as the key has it.
std::string query_of(const KeyPart& part, const LookupFacts& facts) {
  RouteRule alone = *facts.match.rule;
  alone.key.parts = {part};
  RouteMatch match = facts.match;
  match.rule = &alone;
  const LookupFacts of_part{.head = facts.head,
                            .match = match,
                            .path = facts.path,
                            .ambiguous = facts.ambiguous,
                            .forwarded = facts.forwarded,
                            .session_cookies = facts.session_cookies,
                            .who = facts.who};
  const FillRequest fill = make_fill_request(of_part, {});
  const std::size_t mark = fill.target.find('?');
  return mark == std::string::npos ? std::string() : fill.target.substr(mark + 1);
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

std::string write_part(const KeyPart& part) {
  switch (part.kind) {
    case KeyPart::Kind::literal:
      return part.text;
    case KeyPart::Kind::path:
      return "{path}";
    case KeyPart::Kind::query_all:
      return "{query}";
    case KeyPart::Kind::query_only:
      return "{query." + joined(part.names) + "}";
    case KeyPart::Kind::query_except:
      return "{query:-" + joined(part.names) + "}";
    case KeyPart::Kind::header:
      return "{header." + part.text + "}";
    case KeyPart::Kind::cookie:
      return "{cookie." + part.text + "}";
    case KeyPart::Kind::path_parameter:
      return "{" + part.text + "}";
    case KeyPart::Kind::claim:
      return "{jwt." + part.text + "}";
  }
  return {};
}

const Identity* identity_of(const Identification* who) {
  return who ? std::get_if<Identity>(who) : nullptr;
}

/// `facts` of the redacted request; `user`: who asks, unredacted, of whom digests are made.
std::string value_of(const KeyPart& part, const LookupFacts& facts, const Identity* user) {
  switch (part.kind) {
    case KeyPart::Kind::literal:
      return part.text;
    case KeyPart::Kind::path:
      return std::string(facts.path);
    case KeyPart::Kind::query_all:
    case KeyPart::Kind::query_only:
    case KeyPart::Kind::query_except:
      return query_of(part, facts);
    case KeyPart::Kind::header: {
      const http::FieldName id = http::parse_field_name(part.text);
      const std::optional<std::string> value =
          id == http::FieldName::unknown ? facts.head.fields.combined(std::string_view(part.text))
                                         : facts.head.fields.combined(id);
      return value.value_or(std::string());
    }
    case KeyPart::Kind::cookie:
      return std::string(
          http::find_cookie(facts.head.fields, part.text).value_or(std::string_view()));
    case KeyPart::Kind::path_parameter:
      for (const auto& [name, value] : facts.match.parameters)
        if (name == part.text) return std::string(value);
      return {};
    case KeyPart::Kind::claim:
      if (!user || !user->token) return {};
      for (const auto& [name, json] : user->token->claims)
        if (name == part.text) return "digest " + identity::digest_of({json});
      return {};
  }
  return {};
}

/// `shown`: facts of the redacted request; `user`: who asks.
void explain_key(const LookupFacts& shown, const Identity* user, const LearnedVary::Names& learned,
                 Explanation& explanation) {
  const RouteRule& rule = *shown.match.rule;
  std::string host = std::string(shown.forwarded.proto) + "://" + std::string(shown.head.host);
  if (shown.forwarded.host != shown.head.host) host += " as " + std::string(shown.forwarded.host);
  explanation.key_parts.push_back({"host", std::move(host)});
  if (rule.share == Share::per_user && user)
    explanation.key_parts.push_back({"user", "digest " + *user->digest});
  for (const KeyPart& part : rule.key.parts) {
    const std::string value = value_of(part, shown, user);
    explanation.filled_in += value;
    if (part.kind != KeyPart::Kind::literal)
      explanation.key_parts.push_back({write_part(part), value});
  }
  const FillRequest fill = make_fill_request(shown, learned);
  explanation.fill_target = fill.target;
  explanation.fill_differs = fill.differs;
  for (const KeyedField& field : fill.keyed) {
    if (field.name == "authorization") continue;  // sent, and told as "user"
    const bool is_of_key =
        std::any_of(rule.key.parts.begin(), rule.key.parts.end(), [&](const KeyPart& part) {
          return part.kind == KeyPart::Kind::header && part.text == field.name;
        });
    if (!is_of_key)
      explanation.key_parts.push_back({"vary " + field.name, field.value.value_or("")});
  }
}

// --- Writes ------------------------------------------------------------------

void explain_eviction(const ExplainedRequest& request, const Redaction& redaction,
                      const Identity* writer, Explanation& explanation) {
  const http::RequestHead& head = request.head;
  const EvictionDecision decision =
      decide_eviction(request.routes, head.method, head.method_text, head.path, writer, &head);
  explanation.is_write = !http::is_safe(head.method, head.method_text);
  const auto* evict = std::get_if<Evict>(&decision);
  if (!evict) return;
  explanation.evicts = evict->tags;
  const EvictionDecision shown =
      decide_eviction(request.routes, head.method, head.method_text, head.path,
                      writer ? identity_of(redaction.who()) : nullptr, &redaction.head());
  if (const auto* tags = std::get_if<Evict>(&shown)) explanation.shown_evicts = tags->tags;

  const bool below = head.method != http::Method::post;
  for (const RouteRule& rule : request.routes.rules) {
    for (const std::string& path : http::possible_paths(head.path)) {
      if (const EvictOn* named = find_evict_on(rule, head.method_text, path)) {
        explanation.evicted_rules.push_back(
            {&rule, "all of it: its evict_on has '" + named->path.text + "'"});
        break;
      }
      const PathPattern* own = find_concerned(rule, path, below);
      if (!own) continue;
      const std::string what = below ? "the path, what lies below it and the collections above it"
                                     : "the path and the collections above it";
      explanation.evicted_rules.push_back({&rule, what + ", as far as '" + own->text + "' goes"});
      break;
    }
  }
}

/// As Exchange::pass_on tells it.
CacheOutcome passed_on(ForwardReason reason, Detail detail) {
  CacheOutcome outcome;
  outcome.forward = reason;
  outcome.detail = detail;
  if (reason == ForwardReason::vary_miss) outcome.result = CacheResult::miss;
  return outcome;
}

}  // namespace

Explanation explain(const ExplainedRequest& request,
                    const std::vector<LearnedVary::Names>& learned_by_rule) {
  const http::RequestHead& head = request.head;
  Explanation explanation;
  explanation.ambiguity = http::normalise_path(head.path, explanation.path);
  const bool is_ambiguous = explanation.ambiguity != http::Ambiguity::none;
  if (is_ambiguous) explanation.path.clear();
  const RouteMatch match = is_ambiguous ? RouteMatch() : request.index.match(explanation.path);
  if (!is_ambiguous) explain_match(request, match, explanation);

  // Who asks is known only where a rule wants to know (Exchange::identify).
  const bool is_per_user = match.rule && match.rule->share == Share::per_user;
  const bool is_write = !http::is_safe(head.method, head.method_text);
  const bool is_asked = is_per_user || (is_write && is_writer_asked_for(request.routes));
  const Identification* who = is_asked ? &request.who : nullptr;
  const Identity* user = identity_of(who);
  if (user && is_per_user && match.rule->written_by == WrittenBy::owner)
    explanation.user = *user->digest;

  const ForwardedFacts forwarded =
      decide_forwarded(head, request.peer, request.trusted, request.scheme);
  const LookupFacts facts{.head = head,
                          .match = match,
                          .path = explanation.path,
                          .ambiguous = is_ambiguous,
                          .forwarded = forwarded,
                          .session_cookies = request.session_cookies,
                          .who = who};
  const Redaction redaction(head, who);
  const LookupFacts shown{.head = redaction.head(),
                          .match = match,
                          .path = explanation.path,
                          .ambiguous = is_ambiguous,
                          .forwarded = forwarded,
                          .session_cookies = request.session_cookies,
                          .who = redaction.who()};
  explain_eviction(request, redaction, user, explanation);

  const LookupDecision lookup = decide_lookup(facts);
  if (const auto* pass = std::get_if<PassOn>(&lookup)) {
    explanation.outcome = passed_on(pass->reason, pass->detail);
    return explanation;
  }
  explanation.demands = std::get<LookUp>(lookup).demands;
  const auto number = static_cast<std::size_t>(match.rule - request.routes.rules.data());
  const LearnedVary::Names learned =
      number < learned_by_rule.size() ? learned_by_rule[number] : LearnedVary::Names();
  Detail unusable = Detail::none;
  if (!append_cache_key(facts, learned, explanation.key)) {
    unusable = Detail::ambiguous_query;
    explanation.key.clear();
  } else if (!may_be_tagged(explanation.path)) {
    unusable = Detail::too_deep_path;
  } else {
    std::variant<Tags, Detail> made = make_rule_tags(facts);
    if (const auto* missing = std::get_if<Detail>(&made))
      unusable = *missing;
    else
      explanation.rule_tags = std::get<Tags>(std::move(made));
  }
  if (!explanation.key.empty()) {
    explanation.shown_key = make_shown_key(facts, learned);
    explain_key(shown, user, learned, explanation);
  }
  if (unusable != Detail::none) {
    explanation.outcome = passed_on(ForwardReason::bypass, unusable);
    if (explanation.demands.only_if_cached) explanation.outcome.forward.reset();
    return explanation;
  }
  Tags shown_rule_tags;
  if (std::variant<Tags, Detail> made = make_rule_tags(shown); std::holds_alternative<Tags>(made))
    shown_rule_tags = std::get<Tags>(std::move(made));
  explanation.shown_tags =
      tags_of_response(match.rule->name, explanation.path, explanation.user, shown_rule_tags);
  explanation.is_looked_up = true;
  explanation.outcome = decide_outcome(explanation, head, nullptr, false, SystemSeconds());
  return explanation;
}

CacheOutcome decide_outcome(const Explanation& explanation, const http::RequestHead& head,
                            const StoredResponse* stored, bool is_softened, SystemSeconds now) {
  const ReuseDecision decision =
      decide_reuse(head, explanation.demands, stored, is_softened, *explanation.rule, now);
  CacheOutcome outcome;
  if (const auto* reuse = std::get_if<Reuse>(&decision)) {
    outcome.result = reuse->ttl > seconds{0} ? CacheResult::hit : CacheResult::stale;
    outcome.ttl = reuse->ttl;
    outcome.detail = reuse->detail;
  } else if (const auto* refill = std::get_if<Refill>(&decision)) {
    outcome.result =
        refill->reason == ForwardReason::stale ? CacheResult::expired : CacheResult::miss;
    if (!explanation.demands.only_if_cached) outcome.forward = refill->reason;
    outcome.ttl = refill->ttl;
    outcome.detail = refill->detail;
  } else {
    const auto& own = std::get<OwnRequest>(decision);
    outcome = passed_on(own.reason, own.detail);
  }
  return outcome;
}

std::string format_explanation_fields(const LookupFacts& facts, std::string_view user) {
  const RouteRule* rule = facts.match.rule;
  std::string lines = "Larder-Rule: " + (rule ? rule->name : std::string("none")) + "\r\n";
  if (!rule) return lines;
  const Redaction redaction(facts.head, facts.who);
  const LookupFacts shown{.head = redaction.head(),
                          .match = facts.match,
                          .path = facts.path,
                          .ambiguous = facts.ambiguous,
                          .forwarded = facts.forwarded,
                          .session_cookies = facts.session_cookies,
                          .who = redaction.who()};
  std::variant<Tags, Detail> made = make_rule_tags(shown);
  const auto* rule_tags = std::get_if<Tags>(&made);
  if (!rule_tags) return lines;
  std::string tags;
  for (const std::string& tag : tags_of_response(rule->name, facts.path, user, *rule_tags))
    tags.append(tags.empty() ? "" : " ").append(tag);
  if (!tags.empty()) lines += "Larder-Tags: " + tags + "\r\n";
  return lines;
}

std::string make_shown_key(const LookupFacts& facts, const LearnedVary::Names& learned) {
  const Redaction redaction(facts.head, nullptr);
  // Of who asks keys hold digests, so they may be the real one's.
  const LookupFacts shown{.head = redaction.head(),
                          .match = facts.match,
                          .path = facts.path,
                          .ambiguous = facts.ambiguous,
                          .forwarded = facts.forwarded,
                          .session_cookies = facts.session_cookies,
                          .who = facts.who};
  std::string key;
  if (!append_cache_key(shown, learned, key)) key.clear();
  return key;
}

}  // namespace larder::policy
