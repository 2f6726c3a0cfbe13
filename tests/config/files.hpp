// Files: rules written for one test, in a folder that goes with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace larder::test {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "larder-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// The file's path.
  std::string write(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

using Variables = std::map<std::string, std::string>;

inline config::Environment make_environment(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

inline config::LoadResult load_text(std::string_view text, const Variables& variables = {},
                                    const config::Flags& flags = {}) {
  const Folder folder;
  return config::load(text.empty() ? std::string() : folder.write("rules.yaml", text),
                      make_environment(variables), flags);
}

/// The findings one a line, without the file.
inline std::string describe(const config::LoadResult& result) {
  std::string text;
  for (config::Finding finding : result.findings) {
    if (finding.line > 0)
      text += std::to_string(finding.line) + ":" + std::to_string(finding.column) + ": ";
    finding.file.clear();
    text += config::format_finding(finding) + "\n";
  }
  return text;
}

}  // namespace larder::test
