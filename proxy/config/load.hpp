// Load: rules files, environment and command line -> Config, or every error with its place.
//
// The only unit that knows YAML. Throws nothing: what is wrong comes back as a list.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace larder::config {

/// Counted from 1; 0 when there is none, as for the environment.
struct Place {
  int line = 0;
  int column = 0;  ///< in characters, not bytes
  bool operator==(const Place&) const = default;
};

/// One thing wrong, or worth a warning. Line and column count from 1; 0 when the place is not in a
/// file.
struct Finding {
  enum class Level : unsigned char { error, warning };
  Level level = Level::error;
  std::string file;  ///< empty: the command line or environment, which `message` then names
  int line = 0;
  int column = 0;
  std::string message;  ///< what was found, what was expected, and the nearest known word
  std::string name{};   ///< of a kind of warning, such as "never-matches"; empty: it has none
};
/// "rules/x.yaml:7:5: error: unknown key 'tll' (did you mean 'ttl'?)"; a name stands behind it in
/// brackets.
[[nodiscard]] std::string format_finding(const Finding& finding);

/// Looks up an environment variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
/// Values from the command line by setting name ("listen" may repeat).
using Flags = std::map<std::string, std::vector<std::string>>;

/// Where a rule stands.
struct RulePlace {
  std::string file;
  Place rule;
  std::vector<Place> paths;  ///< of each path
  Place ttl;                 ///< none where the rule has no `ttl`
  Place share;               ///< likewise
};
/// What was given for each setting that was given anything ("memory", "jwt.secret"): a digest of
/// what won, to be compared with another load's.
using GivenSettings = std::map<std::string, std::string>;

struct LoadResult {
  Config config;
  std::vector<RulePlace> places;  ///< of config.routes.rules, in their order
  std::vector<Finding> findings;
  GivenSettings given;
  [[nodiscard]] bool ok() const;  ///< no finding is an error
};

/// `rules` is a file or a folder of *.yaml/*.yml read in the order of their names; empty: none.
/// `${NAME}` and `${NAME:-default}` are expanded in every scalar after parsing, so a value cannot
/// add YAML; an unset NAME without default is an error; `$${` is a literal `${`.
[[nodiscard]] LoadResult load(const std::string& rules, const Environment& environment,
                              const Flags& flags);

/// The settings for which two loads were given different things: a running process keeps what it
/// was started with.
[[nodiscard]] std::vector<std::string> changed_settings(const GivenSettings& before,
                                                        const GivenSettings& after);

/// One row a setting: what `larder serve --help` lists, what environment variable holds it.
struct SettingInfo {
  std::string_view name;         ///< key in `settings:`; the flag is the same with "-" for "_"
  std::string_view environment;  ///< LARDER_ and the name, but for the few that predate it
  std::string_view value;        ///< "DURATION", "SIZE", "HOST:PORT", ...
  std::string_view help;         ///< one sentence with the default
  bool repeatable = false;
};
[[nodiscard]] const std::vector<SettingInfo>& settings_table();
/// The default of a setting as one would write it: "64MiB", "10s", "0.0.0.0:8080", "off".
[[nodiscard]] std::string default_value(std::string_view setting);

}  // namespace larder::config
