// Settings: filled from the file, the environment and the command line, by the settings' table.
//
// Which source wins: command line, environment, file. Each is checked all the same, so that a
// mistake shows before the day it starts to count.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"
#include "config/report.hpp"
#include "config/settings_table.hpp"
#include "config/yaml_source.hpp"

namespace larder::config {

class SettingsReader {
 public:
  /// Once for each file, in their order; a setting in two of them is an error.
  void read_file(const Node& settings, Report& report);
  void read_environment(const Environment& environment, Report& report);
  void read_flags(const Flags& flags, Report& report);
  /// Puts Redis, and what verifies tokens, together from their parts. After all sources.
  [[nodiscard]] Settings finish(std::vector<Finding>& findings);
  /// Where `jwt` stands, and whether anything is said of it.
  [[nodiscard]] const JwtDraft& jwt() const { return draft_.jwt; }
  /// As of LoadResult.
  [[nodiscard]] const std::map<std::string, std::string>& given() const { return given_; }

 private:
  void read_entry(const Entry& entry, std::string_view name, const SettingRow& row, Report& report);
  void read_jwt(const Entry& entry, Report& report);
  void read_jwt_environment(const Environment& environment, Report& report);
  void read_admin_token(const Environment& environment, Report& report);
  void note_given(std::string_view name, const std::vector<std::string>& values);
  void read_redis_environment(const Environment& environment, Report& report);
  /// What must hold among the settings of the listeners.
  static void check_listeners(const Settings& settings, Report& report);
  static void check_admin(const Settings& settings, Report& report);
  static void check_redis_tls(const RedisTls& tls, Report& report);

  SettingsDraft draft_;
  std::map<std::string, std::string> set_in_;  // setting -> where a file set it
  std::map<std::string, std::string> given_;
  std::optional<int> redis_database_;  // what a Redis URL may leave out
  std::string redis_username_;
  std::string redis_password_;
};

/// Names that may stand in a file: all but `rules`, with `jwt` for those that begin so.
[[nodiscard]] const std::vector<std::string_view>& file_settings();
/// Names that may stand within `jwt`.
[[nodiscard]] const std::vector<std::string_view>& jwt_keys();

}  // namespace larder::config
