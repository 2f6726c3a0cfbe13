#include "ops/explanation_text.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "config/values.hpp"
#include "policy/detail_words.hpp"

namespace larder::ops {
namespace {

using policy::CacheOutcome;
using policy::CacheResult;
using policy::Detail;
using policy::Explanation;
using policy::ForwardReason;

constexpr std::size_t label_width = 8;

/// Lines of which the first of a section has its label.
class Page {
 public:
  void section(std::string_view label) { label_ = label; }
  void line(std::string_view text) {
    std::string shown = label_;
    label_.clear();
    shown.resize(label_width, ' ');
    text_.append(shown).append(text) += '\n';
  }
  /// A line of two columns, the first `width` wide.
  void row(std::string_view name, std::size_t width, std::string_view value) {
    std::string shown = "  " + std::string(name);
    shown.resize(std::max(width + 4, shown.size() + 2), ' ');
    line(shown.append(value));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string label_;
};

/// "larder; fwd=uri-miss", as the field would be.
std::string cache_status_of(const CacheOutcome& outcome) {
  std::string fields;
  policy::append_cache_status(outcome, fields);
  constexpr std::string_view name = "Cache-Status: ";
  const std::size_t from = fields.find(name, fields.find("\r\n")) + name.size();
  return fields.substr(from, fields.find("\r\n", from) - from);
}

std::string format_seconds(policy::seconds duration) {
  return std::to_string(duration.count()) + " s";
}

std::string lifetime_of(const policy::RouteRule& rule) {
  return rule.origin ? std::string("as long as Django says (ttl: origin)")
                     : "for " + config::format_duration(rule.ttl);
}

/// What happens now, in a sentence.
std::string describe_outcome(const Explained& explained) {
  const Explanation& explanation = explained.explanation;
  const CacheOutcome& outcome = explained.outcome;
  const std::string detail = outcome.detail == Detail::none
                                 ? std::string()
                                 : ": " + std::string(policy::describe(outcome.detail));
  if (!explanation.is_looked_up) {
    if (!outcome.forward) return "answered 504, since the request wants what is stored or nothing";
    return "passed on to Django: " + std::string(policy::describe(outcome));
  }
  const policy::RouteRule& rule = *explanation.rule;
  if (explained.stored && !explained.stored->available)
    return "asked of Django, and not stored: Redis cannot be asked just now";
  if (outcome.result == CacheResult::hit)
    return "answered from the store, fresh for " + format_seconds(*outcome.ttl) + " more";
  if (outcome.result == CacheResult::stale) return "answered from the store" + detail;
  if (!outcome.forward) return "answered 504, since the request wants what is stored or nothing";
  if (outcome.result == CacheResult::bypass || *outcome.forward == ForwardReason::vary_miss)
    return "passed on to Django: " + std::string(policy::describe(outcome));
  const std::string because = explained.stored
                                  ? std::string(policy::describe(*outcome.forward)) + detail
                                  : "while nothing is stored" + detail;
  std::string text =
      "looked up; " + because + ", Django is asked and a storable answer kept " + lifetime_of(rule);
  if (rule.after > 1) text += ", from the request number " + std::to_string(rule.after) + " on";
  return text;
}

void write_rule(const Explained& explained, Page& page) {
  const Explanation& explanation = explained.explanation;
  page.section("rule");
  if (explanation.rule) {
    const std::string& place = explanation.rule->place;
    page.line(explanation.rule->name + (place.empty() ? "" : "  " + place));
    std::string matched = "  path '" + explanation.pattern->text + "'";
    for (const auto& [name, value] : explanation.parameters)
      matched.append(", ").append(name).append(" = ").append(value);
    page.line(matched);
  } else if (explanation.ambiguity != http::Ambiguity::none) {
    page.line("none: " + std::string(http::describe(explanation.ambiguity)));
  } else {
    page.line("none");
  }
  std::size_t width = 0;
  for (const policy::NotMatched& passed : explanation.before)
    width = std::max(width, passed.rule->name.size() + 4);
  for (const policy::NotMatched& passed : explanation.before)
    page.row("not " + passed.rule->name, width, passed.why + " ('" + passed.pattern->text + "')");
}

void write_key(const Explanation& explanation, Page& page) {
  if (explanation.shown_key.empty()) return;
  page.section("key");
  page.line(explanation.filled_in);
  std::size_t width = 0;
  for (const policy::KeyPartSaid& said : explanation.key_parts)
    width = std::max(width, said.part.size());
  for (const policy::KeyPartSaid& said : explanation.key_parts)
    page.row(said.part, width, said.value.empty() ? "(none)" : said.value);
  page.row("in the store", width, explanation.shown_key);
  page.section("fill");
  page.line("GET " + explanation.fill_target +
            (explanation.fill_differs
                 ? "  (less than was asked: what the key leaves out is not sent)"
                 : ""));
}

std::string format_stamp_of(store::Stamp stamp) {
  if (stamp == 0) return "none";
  char room[16];
  const auto [end, error] = std::to_chars(room, room + sizeof room, stamp, 16);
  return {room, end};
}

/// Which writes evict what has this tag (policy/tags).
std::string_view describe_tag(std::string_view tag) {
  switch (tag.empty() ? '\0' : tag.front()) {
    case 'p':
      return "a write to this path or below it";
    case 'b':
      return "a write to this path, but for POST";
    case 'r':
      return "a write that the rule's evict_on names";
    case 'u':
      return "a write of this user's under the rule";
    case 't':
      return "a write that is tagged so, too";
    default:
      return {};
  }
}

void write_tags(const Explained& explained, Page& page) {
  const policy::Tags& tags = explained.explanation.shown_tags;
  if (tags.empty()) return;
  page.section("tags");
  page.line("evicted by any of these:");
  std::size_t width = 0;
  for (const std::string& tag : tags) width = std::max(width, tag.size());
  // The store has two tags of its own before them (store/stamps).
  constexpr std::size_t own = 2;
  const bool has_stamps = explained.stored && explained.stored->stamps.size() == tags.size() + own;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    std::string told(describe_tag(tags[i]));
    if (has_stamps) told += " (stamp " + format_stamp_of(explained.stored->stamps[i + own]) + ")";
    page.row(tags[i], width, told);
  }
}

std::string_view name_of(store::Tier tier) {
  switch (tier) {
    case store::Tier::none:
      return "nowhere";
    case store::Tier::memory:
      return "memory";
    case store::Tier::redis:
      return "Redis";
  }
  return {};
}

void write_stored(const Explained& explained, Page& page) {
  if (!explained.stored || !explained.explanation.is_looked_up) return;
  const StoredSaid& stored = *explained.stored;
  page.section("stored");
  if (!stored.available) {
    page.line("not known: Redis cannot be asked just now");
  } else if (stored.tier == store::Tier::none) {
    page.line("nothing that may be used");
  } else {
    page.line("in " + std::string(name_of(stored.tier)) + ": status " +
              std::to_string(stored.status) + ", " + std::to_string(stored.size) + " bytes" +
              (stored.compressed ? " of gzip" : "") + ", age " + format_seconds(stored.age) +
              " of " + format_seconds(stored.lifetime) +
              (stored.softened ? ", made stale by a soft purge" : ""));
  }
}

/// What it did and why, in a sentence.
std::string describe_last(const LastSaid& last) {
  std::string text = last.status == 0 ? "its client went before the answer"
                                      : "answered " + std::to_string(last.status);
  if (last.failure != session::FetchFailure::none)
    return text.append(": ").append(session::describe(last.failure));
  if (last.outcome.stored) return text + " and stored";
  return text.append(", not stored: ").append(policy::describe(last.outcome));
}

void write_last(const Explained& explained, Page& page) {
  if (!explained.last) return;
  page.section("last");
  page.line("asked of Django " + format_seconds(explained.last->ago) + " ago, " +
            describe_last(*explained.last));
  page.line("  Cache-Status: " + cache_status_of(explained.last->outcome));
}

void write_eviction(const Explanation& explanation, Page& page) {
  if (!explanation.is_write) return;
  page.section("evicts");
  if (explanation.shown_evicts.empty()) {
    page.line("nothing: no rule's resource and no evict_on is concerned");
    return;
  }
  page.line("before the answer is sent, unless it is a 4xx:");
  std::size_t width = 0;
  for (const policy::EvictedRule& evicted : explanation.evicted_rules)
    width = std::max(width, evicted.rule->name.size() + 5);
  for (const policy::EvictedRule& evicted : explanation.evicted_rules)
    page.row("rule " + evicted.rule->name, width, evicted.why);
  for (const std::string& tag : explanation.shown_evicts) page.row("tag " + tag, 0, "");
}

boost::json::array list_of(const policy::Tags& tags) {
  boost::json::array list;
  for (const std::string& tag : tags) list.emplace_back(tag);
  return list;
}

boost::json::object json_of(const StoredSaid& stored) {
  boost::json::object json;
  json["available"] = stored.available;
  json["tier"] = name_of(stored.tier);
  if (stored.tier != store::Tier::none) {
    json["status"] = stored.status;
    json["age"] = stored.age.count();
    json["lifetime"] = stored.lifetime.count();
    json["softened"] = stored.softened;
    json["size"] = stored.size;
    json["coding"] = stored.compressed ? "gzip" : "identity";
  }
  boost::json::array stamps;
  for (const store::Stamp stamp : stored.stamps) stamps.emplace_back(format_stamp_of(stamp));
  json["stamps"] = std::move(stamps);
  return json;
}

/// Without spaces at the ends of lines.
std::string without_trailing_spaces(const std::string& text) {
  std::string kept;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from);
    const std::size_t last = text.find_last_not_of(' ', end - 1);
    kept.append(text, from, last + 1 - from) += '\n';
    from = end + 1;
  }
  return kept;
}

}  // namespace

std::string format_text(const Explained& explained) {
  Page page;
  page.section(explained.method);
  page.line(explained.target);
  write_rule(explained, page);
  write_key(explained.explanation, page);
  write_tags(explained, page);
  write_stored(explained, page);
  write_last(explained, page);
  page.section("now");
  page.line(describe_outcome(explained));
  page.line("  Cache-Status: " + cache_status_of(explained.outcome));
  write_eviction(explained.explanation, page);
  return without_trailing_spaces(page.take());
}

std::string format_json(const Explained& explained) {
  const Explanation& explanation = explained.explanation;
  boost::json::object json;
  json["method"] = explained.method;
  json["target"] = explained.target;
  json["path"] = explanation.path;
  if (explanation.rule) {
    boost::json::object parameters;
    for (const auto& [name, value] : explanation.parameters) parameters[name] = value;
    json["rule"] = {{"name", explanation.rule->name},
                    {"place", explanation.rule->place},
                    {"path", explanation.pattern->text},
                    {"parameters", std::move(parameters)}};
  } else {
    json["rule"] = nullptr;
  }
  boost::json::array before;
  for (const policy::NotMatched& passed : explanation.before)
    before.push_back(
        {{"rule", passed.rule->name}, {"path", passed.pattern->text}, {"why", passed.why}});
  json["not_matched"] = std::move(before);
  if (!explanation.shown_key.empty()) {
    boost::json::array parts;
    for (const policy::KeyPartSaid& said : explanation.key_parts)
      parts.push_back({{"part", said.part}, {"value", said.value}});
    json["key"] = {{"template", explanation.rule->key.text},
                   {"filled_in", explanation.filled_in},
                   {"parts", std::move(parts)},
                   {"stored_as", explanation.shown_key}};
    json["fill"] = {{"target", explanation.fill_target}, {"differs", explanation.fill_differs}};
  }
  json["tags"] = list_of(explanation.shown_tags);
  if (explained.stored) json["stored"] = json_of(*explained.stored);
  json["now"] = {{"looked_up", explanation.is_looked_up},
                 {"x_cache_status", policy::format_cache_result(explained.outcome.result)},
                 {"cache_status", cache_status_of(explained.outcome)},
                 {"detail", policy::format_detail(explained.outcome.detail)},
                 {"why", describe_outcome(explained)}};
  if (const auto& last = explained.last)
    json["last"] = {{"seconds_ago", last->ago.count()},
                    {"status", last->status},
                    {"cache_status", cache_status_of(last->outcome)},
                    {"why", describe_last(*last)}};
  boost::json::array rules;
  for (const policy::EvictedRule& evicted : explanation.evicted_rules)
    rules.push_back({{"rule", evicted.rule->name}, {"why", evicted.why}});
  json["evicts"] = {{"rules", std::move(rules)}, {"tags", list_of(explanation.shown_evicts)}};
  return boost::json::serialize(json) + "\n";
}

}  // namespace larder::ops
