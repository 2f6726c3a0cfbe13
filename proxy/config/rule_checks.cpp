// What must hold between the parts of a rule, and between rules (config/rules.hpp).
#include <algorithm>
#include <map>

#include "config/mapping.hpp"
#include "config/rules.hpp"
#include "config/values.hpp"
#include "policy/nearest.hpp"
#include "policy/pattern_search.hpp"

namespace larder::config {
namespace {

using policy::KeyPart;
using policy::PathPattern;
using policy::PatternPiece;

std::vector<std::string_view> parameter_names(const PathPattern& pattern) {
  std::vector<std::string_view> names;
  for (const PatternPiece& piece : pattern.pieces) {
    if (!piece.name.empty()) names.push_back(piece.name);
  }
  return names;
}

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Place place_of_part(const Node* node, Place fallback, const std::string& part) {
  if (!node) return fallback;
  const std::size_t offset = node->text.find(part);
  return node->place_within(offset == std::string::npos ? 0 : offset);
}

std::string located(const ReadRule& read, Place place, const std::string& file) {
  const std::string line = "line " + std::to_string(place.line);
  return read.file == file ? line : read.file + ", " + line;
}

class Among {
 public:
  explicit Among(std::vector<Finding>& findings) : findings_(findings) {}

  void check_names(std::vector<ReadRule>& rules) {
    for (ReadRule& read : rules) {
      if (!read.has_name) continue;
      const auto [found, is_new] = named_.emplace(read.rule.name, &read);
      if (is_new) continue;
      Report(read.file, findings_)
          .error(read.name_place,
                 "name: " + quote(read.rule.name) + " is used twice, first in " +
                     located(*found->second, found->second->name_place, read.file));
    }
    // A rule without name is called by its first path; more than one may have the same.
    for (ReadRule& read : rules) {
      if (read.has_name) continue;
      const std::string path = read.rule.name;
      for (int count = 2; !named_.emplace(read.rule.name, &read).second; ++count) {
        read.rule.name = path + "#" + std::to_string(count);
      }
    }
  }

  void check_paths(const std::vector<ReadRule>& rules) {
    for (std::size_t index = 0; index < rules.size(); ++index) {
      const ReadRule& read = rules[index];
      for (std::size_t path = 0; path < read.rule.paths.size(); ++path) {
        check_path(rules, index, path);
      }
    }
  }

 private:
  void check_path(const std::vector<ReadRule>& rules, std::size_t index, std::size_t path) {
    const ReadRule& read = rules[index];
    const PathPattern& later = read.rule.paths[path];
    for (std::size_t before = 0; before <= index; ++before) {
      const ReadRule& other = rules[before];
      const std::size_t end = before == index ? path : other.rule.paths.size();
      for (std::size_t candidate = 0; candidate < end; ++candidate) {
        const PathPattern& earlier = other.rule.paths[candidate];
        if (!policy::includes(earlier, later)) continue;
        warn(read, path,
             quote(earlier.text) + " in " +
                 located(other, other.path_places[candidate], read.file) + " takes them");
        return;
      }
    }
    check_path_against_all(rules, index, path);
  }

  /// No pattern before takes all of its paths; together they still may.
  void check_path_against_all(const std::vector<ReadRule>& rules, std::size_t index,
                              std::size_t path) {
    const ReadRule& read = rules[index];
    const PathPattern* later = &read.rule.paths[path];
    std::vector<const PathPattern*> before;
    std::string named;
    for (std::size_t other = 0; other <= index; ++other) {
      const std::size_t end = other == index ? path : rules[other].rule.paths.size();
      for (std::size_t candidate = 0; candidate < end; ++candidate) {
        const PathPattern* earlier = &rules[other].rule.paths[candidate];
        if (policy::find_path({earlier, later}, {}).result == policy::PathSearch::Result::none)
          continue;
        before.push_back(earlier);
        named += (named.empty() ? "" : ", ") + quote(earlier->text);
      }
    }
    if (before.size() < 2) return;
    if (policy::find_path({later}, before).result == policy::PathSearch::Result::none)
      warn(read, path, named + " above take them together");
  }

  void warn(const ReadRule& read, std::size_t path, const std::string& why) {
    Report(read.file, findings_)
        .warning(read.path_places[path],
                 "path: " + quote(read.rule.paths[path].text) + " never gets a request here: " +
                     why + " (first match wins); move the narrower rule above, or remove it",
                 "never-matches");
  }

  std::vector<Finding>& findings_;
  std::map<std::string, const ReadRule*> named_;
};

}  // namespace

void check_key(const ReadRule& read, const Node* node, Report& report) {
  const policy::RouteRule& rule = read.rule;
  const Place place = node ? node->place : read.place;
  std::vector<std::string_view> named;  // by the key
  for (const KeyPart& part : rule.key.parts) {
    if (part.kind != KeyPart::Kind::path_parameter || contains(named, part.text)) continue;
    named.push_back(part.text);
    for (const PathPattern& path : rule.paths) {
      std::vector<std::string_view> known = parameter_names(path);
      if (contains(known, part.text)) continue;
      known.insert(known.end(), {"path", "query"});
      const std::string written = "{" + part.text + "}";
      report.error(place_of_part(node, place, written),
                   "key: the path " + quote(path.text) + " has no '<" + part.text + ">' for '" +
                       written + "'" + policy::suggest_nearest(part.text, known));
      break;
    }
  }
  if (rule.share != policy::Share::per_user && rule.key.has(KeyPart::Kind::claim)) {
    report.error(place_of_part(node, place, "{jwt."),
                 "key: '{jwt.CLAIM}' belongs to 'share: per-user': under another share no token is "
                 "verified");
  }
  if (rule.key.has(KeyPart::Kind::path)) return;
  if (rule.paths.size() > 1) {
    report.error(place, "key: without {path} the responses of " +
                            std::to_string(rule.paths.size()) +
                            " paths would be taken for one another");
    return;
  }
  std::vector<std::string_view> missing;
  for (const std::string_view name : parameter_names(rule.paths.front())) {
    if (!contains(named, name)) missing.push_back(name);
  }
  if (missing.empty()) return;
  report.error(place, "key: without {path} or {" + std::string(missing.front()) +
                          "} different objects would share one response");
}

namespace {

/// The key knows a user by one claim. Another one may differ between two tokens of that user.
void check_claims(const ReadRule& read, const JwtDraft& jwt, Report& report) {
  for (const policy::KeyTemplate& tag : read.rule.tags) {
    for (const KeyPart& part : tag.parts) {
      if (part.kind != KeyPart::Kind::claim || part.text == jwt.claim) continue;
      const bool is_in_key = std::any_of(
          read.rule.key.parts.begin(), read.rule.key.parts.end(), [&](const KeyPart& other) {
            return other.kind == KeyPart::Kind::claim && other.text == part.text;
          });
      if (is_in_key) continue;
      report.error(read.tags_place, "tags: the key does not know the claim " + quote(part.text) +
                                        " (who asks is told by " + quote(jwt.claim) +
                                        "): name it in 'key'");
    }
  }
}

}  // namespace

void check_identities(const std::vector<ReadRule>& rules, const Settings& settings,
                      const JwtDraft& jwt, std::vector<Finding>& findings) {
  const bool by_token = settings.per_user.by_token && jwt.is_given;
  const bool by_session = settings.per_user.by_session && !settings.session_cookies.empty();
  bool is_any_per_user = false;
  for (const ReadRule& read : rules) {
    if (read.rule.share != policy::Share::per_user) continue;
    is_any_per_user = true;
    Report report(read.file, findings);
    if (by_token) check_claims(read, jwt, report);
    if (!by_token && !by_session) {
      report.error(
          read.share_place,
          "share: nothing says who asks: 'per-user' needs 'jwt' in 'settings' (tokens), or "
          "'per_user: session' there (session cookies)");
    }
    if (read.rule.written_by == policy::WrittenBy::owner && by_session) {
      report.error(read.written_by_place,
                   "written_by: 'owner' needs users that are told by tokens alone: with 'per_user: "
                   "session' one user may have several sessions, and a write in one of them would "
                   "leave what the others get");
    }
  }
  // Where something is wrong, that may well be why.
  const bool is_sound = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.level == Finding::Level::error;
  });
  if (is_sound && is_any_per_user && by_token && !settings.tokens) {
    Report(jwt.file, findings)
        .warning(jwt.place,
                 "jwt: no key is set, so no token can be verified and requests with one are passed "
                 "on under 'share: per-user'; set 'secret', 'public_key' or 'jwks'",
                 "no-token-key");
  }
}

void check_among(std::vector<ReadRule>& rules, std::vector<Finding>& findings) {
  Among among(findings);
  among.check_names(rules);
  among.check_paths(rules);
}

}  // namespace larder::config
