#include "policy/tags.hpp"

#include <algorithm>
#include <array>

#include "http/target.hpp"
#include "policy/evicting_write.hpp"
#include "policy/rule_tags.hpp"

namespace larder::policy {

namespace {

std::string_view without_final_slash(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

/// One segment up; empty above the root. `path` without final slash.
std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || path == "/") return {};
  return without_final_slash(path.substr(0, std::max<std::size_t>(slash, 1)));
}

std::string make_tag(std::string_view prefix, std::string_view text) {
  std::string tag;
  tag.reserve(prefix.size() + text.size());
  tag.append(prefix).append(text);
  return tag;
}

std::string make_user_tag(std::string_view rule, std::string_view user) {
  return make_tag("u:", rule).append("=").append(user);
}

/// How many paths lie above this one, the root included.
std::size_t depth_of(std::string_view path) {
  if (path == "/") return 0;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < path.size(); ++at)
    if (path[at] == '/' && (at == 0 || path[at - 1] != '/')) ++depth;
  return depth;
}

bool names_method(const EvictOn& evict_on, std::string_view method) {
  return evict_on.methods.empty() || std::find(evict_on.methods.begin(), evict_on.methods.end(),
                                               method) != evict_on.methods.end();
}

bool is_number(std::string_view segment) {
  return !segment.empty() && segment.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Paths that WSGI reads alike ("/a,b", "/a%2Cb") have keys of their own but are one resource.
bool is_read_as_written(std::string_view path) {
  static constexpr std::array<bool, 256> as_written = [] {
    std::array<bool, 256> table{};
    for (const char character :
         std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                          "0123456789-._~/:@!$&'()*+,="))
      table[static_cast<unsigned char>(character)] = true;
    return table;
  }();
  return std::all_of(path.begin(), path.end(), [](char character) {
    return as_written[static_cast<unsigned char>(character)];
  });
}

/// Where a segment begins with 0 and goes on; whether as a number is for others to see.
bool has_leading_zeros(std::string_view path) {
  std::size_t at = path.find("/0");
  while (at != std::string_view::npos && (at + 2 == path.size() || path[at + 2] == '/'))
    at = path.find("/0", at + 2);
  return at != std::string_view::npos;
}

/// "/models/07" as "/models/7": an <int:pk>, or whatever else looks an object up by its number,
/// reads them alike. Most paths are as they should be, and nothing is put into `kept`.
std::string_view without_leading_zeros(std::string_view path, std::string& kept) {
  if (!has_leading_zeros(path)) return path;
  for (std::size_t at = 0; at < path.size();) {
    kept += path[at++];
    const std::size_t end = std::min(path.find('/', at), path.size());
    kept += canonical_number(path.substr(at, end - at));
    at = end;
  }
  return kept;
}

/// The resource, the collections above it, and what lies below it, as far down as anything is
/// stored.
void add_resource(Tags& tags, std::string_view path, bool below) {
  std::string kept;
  path = without_leading_zeros(without_final_slash(path), kept);
  if (below && may_be_tagged(path)) tags.push_back(make_tag("b:", path));
  for (; !path.empty(); path = parent_of(path))
    if (may_be_tagged(path)) tags.push_back(make_tag("p:", path));
}

}  // namespace

Tags TagText::to_vector() const {
  Tags tags;
  tags.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) tags.emplace_back((*this)[i]);
  return tags;
}

// Tags are without final slash, so a rule counts that fits the path either way.
const PathPattern* find_concerned(const RouteRule& rule, std::string_view path, bool below) {
  const std::string_view bare = without_final_slash(path);
  const std::string slashed = bare == "/" ? std::string(bare) : std::string(bare) + "/";
  const auto found =
      std::find_if(rule.paths.begin(), rule.paths.end(), [&](const PathPattern& pattern) {
        return pattern.may_concern(bare, below) || pattern.may_concern(slashed, below);
      });
  return found == rule.paths.end() ? nullptr : &*found;
}

const EvictOn* find_evict_on(const RouteRule& rule, std::string_view method,
                             std::string_view path) {
  const auto found =
      std::find_if(rule.evict_on.begin(), rule.evict_on.end(), [&](const EvictOn& evict_on) {
        return names_method(evict_on, method) && evict_on.path.covers(path);
      });
  return found == rule.evict_on.end() ? nullptr : &*found;
}

std::string_view canonical_number(std::string_view text) {
  if (!is_number(text)) return text;
  return text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
}

bool may_be_tagged(std::string_view path) {
  if (!path.starts_with('/')) return false;
  // A segment takes two bytes at least: most paths are too short to be too deep.
  return path.size() / 2 + 2 <= maximum_tags ||
         depth_of(without_final_slash(path)) + 2 <= maximum_tags;
}

bool add_tags_of_response(std::string_view rule, std::string_view path, std::string_view user,
                          std::span<const std::string> rule_tags, TagText& tags) {
  std::string canonical;
  if (!is_read_as_written(path)) {
    canonical = http::possible_paths(path).front();
    path = canonical;
  }
  std::string numbered;
  path = without_leading_zeros(without_final_slash(path), numbered);
  if (!may_be_tagged(path)) return false;
  tags.add("p:", path);
  tags.add("r:", rule);
  for (path = parent_of(path); !path.empty(); path = parent_of(path)) tags.add("b:", path);
  if (!user.empty()) tags.add(make_user_tag(rule, user));
  for (const std::string& tag : rule_tags) tags.add(tag);
  return true;
}

Tags tags_of_response(std::string_view rule, std::string_view path, std::string_view user,
                      std::span<const std::string> rule_tags) {
  TagText tags;
  add_tags_of_response(rule, path, user, rule_tags, tags);
  return tags.to_vector();
}

Tags tags_of_path(std::string_view path, bool below) {
  Tags tags;
  for (const std::string& possible : http::possible_paths(path)) {
    std::string numbered;
    const std::string_view one = without_leading_zeros(without_final_slash(possible), numbered);
    if (!may_be_tagged(one)) continue;
    tags.push_back(make_tag("p:", one));
    if (below) tags.push_back(make_tag("b:", one));
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

EvictionDecision decide_eviction(const Routes& routes, http::Method method,
                                 std::string_view method_text, std::string_view path,
                                 const identity::Identity* writer,
                                 const http::RequestHead* request) {
  using Reason = NothingToEvict::Reason;
  if (http::is_safe(method, method_text)) return NothingToEvict{Reason::safe_method};

  // A POST adds to the resource it names; what lies below stays as it is.
  const bool below = method != http::Method::post;
  Tags tags;
  for (const std::string& possible : http::possible_paths(path)) {
    bool concerns_everybody = false;
    for (const RouteRule& rule : routes.rules) {
      if (find_concerned(rule, possible, below)) {
        const bool is_own = rule.written_by == WrittenBy::owner && writer && writer->is_only_one;
        if (is_own) tags.push_back(make_user_tag(rule.name, *writer->digest));
        concerns_everybody = concerns_everybody || !is_own;
        append_tags_made_old(routes, rule, {possible, below, request, writer}, tags);
      }
      if (find_evict_on(rule, method_text, possible)) {
        tags.push_back(make_tag("r:", rule.name));
        append_tags_made_old(routes, rule, {}, tags);
      }
    }
    if (concerns_everybody) add_resource(tags, possible, below);
  }
  if (tags.empty()) return NothingToEvict{Reason::no_rule_concerned};
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return Evict{std::move(tags)};
}

bool is_writer_asked_for(const Routes& routes) {
  return std::any_of(routes.rules.begin(), routes.rules.end(),
                     [](const RouteRule& rule) { return rule.written_by == WrittenBy::owner; });
}

bool may_have_changed(std::uint16_t status) {
  // Below 200 there is no final status: the outcome is unknown.
  return status < 400 || status >= 500;
}

bool may_change_yet(std::uint16_t status) {
  return status == 502 || status == 504;
}

}  // namespace larder::policy
