// Settings table: each setting's name, variable and sentence, how its text is read, and its
// default.
//
// One row a setting; --help, the reference and the readers of all sources come from it. Which
// source wins: config/settings.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/jwt.hpp"
#include "config/load.hpp"
#include "config/redis_url.hpp"
#include "config/values.hpp"

namespace larder::config {

/// Settings while they are read: Redis may be switched on by one source and tuned by another.
struct SettingsDraft {
  Settings settings;
  RedisSettings redis;                ///< its deadlines and TLS files alone
  std::optional<RedisUrl> redis_url;  ///< nothing: off
  JwtDraft jwt;
};

/// What is wrong with one of the values given.
struct WrongValue {
  std::size_t index = 0;
  std::string why;
};

struct SettingAccess {
  /// `values` has one value, or more for what is repeatable; a refused setting stays as it was.
  std::optional<WrongValue> (*apply)(SettingsDraft& draft, const std::vector<std::string>& values);
  std::string (*show)(const SettingsDraft& draft);
};

struct SettingRow {
  std::string_view name;
  std::string_view environment;
  std::string_view value;     ///< what kind of value, for --help: PATH, or "{token,session}"
  std::string_view sentence;  ///< without full stop; the default is added
  bool is_repeatable;
  SettingAccess access;
};

[[nodiscard]] const std::vector<SettingRow>& setting_rows();
/// In a file `jwt_leeway` is `leeway` within `jwt`.
inline constexpr std::string_view jwt_prefix = "jwt_";
/// Null when there is no setting of that name.
[[nodiscard]] const SettingRow* find_setting(std::string_view name);

}  // namespace larder::config
