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
  /// Puts Redis together from its parts. After all sources.
  [[nodiscard]] Settings finish(Report& report);

 private:
  void read_redis_environment(const Environment& environment, Report& report);
  /// What must hold among the settings of the listeners.
  static void check_listeners(const Settings& settings, Report& report);

  SettingsDraft draft_;
  std::map<std::string, std::string> set_in_;  // setting -> where a file set it
  std::optional<int> redis_database_;          // what a Redis URL may leave out
  std::string redis_username_;
  std::string redis_password_;
};

/// Names of settings of later versions.
[[nodiscard]] const std::vector<std::string_view>& later_settings();
/// Names that may stand in a file: all but `rules`.
[[nodiscard]] const std::vector<std::string_view>& file_settings();

}  // namespace larder::config
