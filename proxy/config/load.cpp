#include "config/load.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "config/mapping.hpp"
#include "config/report.hpp"
#include "config/rules.hpp"
#include "config/settings.hpp"
#include "config/yaml_source.hpp"

namespace larder::config {
namespace {

namespace fs = std::filesystem;

/// The files to read, in order; reports when there are none.
std::vector<std::string> list_files(const std::string& rules, Report& report) {
  std::error_code error;
  const fs::file_status status = fs::status(rules, error);
  if (!fs::exists(status)) {
    const bool is_absent = !error || error == std::errc::no_such_file_or_directory ||
                           error == std::errc::not_a_directory;
    report.error({}, is_absent ? "no such file or folder" : "cannot be read: " + error.message());
    return {};
  }
  if (!fs::is_directory(status)) return {rules};
  std::vector<std::string> files;
  for (fs::directory_iterator entry(rules, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    const std::string extension = path.extension().string();
    if (extension != ".yaml" && extension != ".yml") continue;
    std::error_code ignored;  // a dangling link is no file; reading it would say so no better
    if (path.filename().string().starts_with('.') || fs::is_directory(path, ignored)) continue;
    if (path.stem().extension() == ".test") continue;  // cases (config/cases)
    files.push_back(path.string());
  }
  if (error) report.error({}, "cannot be read: " + error.message());
  std::sort(files.begin(), files.end());
  if (files.empty() && !error) report.error({}, "a folder without *.yaml and *.yml files");
  return files;
}

Vocabulary root_vocabulary() {
  Vocabulary vocabulary{"a file of rules", {"rules", "settings"}, {}};
  for (const std::string_view name : rule_keys()) {
    vocabulary.strays.push_back({name, "it belongs into an entry of 'rules:'"});
  }
  for (const std::string_view name : file_settings()) {
    vocabulary.strays.push_back({name, "it belongs below 'settings:'"});
  }
  return vocabulary;
}

class Loader {
 public:
  Loader(const Environment& environment, std::vector<Finding>& findings)
      : environment_(environment), findings_(findings) {}

  void read_file(const std::string& path) {
    Report report(path, findings_);
    const std::size_t before = findings_.size();
    if (const std::optional<Node> root = read_yaml(path, environment_, report))
      read_root(*root, report);
    sort_from(before);
  }

  void finish(const Flags& flags, LoadResult& result) {
    Config& config = result.config;
    const std::size_t before = findings_.size();
    check_among(rules_, findings_);
    if (findings_.size() != before) sort_from(0);
    Report report({}, findings_);
    settings_.read_environment(environment_, report);
    settings_.read_flags(flags, report);
    config.settings = settings_.finish(findings_);
    result.given = settings_.given();
    check_identities(rules_, config.settings, settings_.jwt(), findings_);
    for (ReadRule& read : rules_) {
      result.places.push_back(
          {read.file, read.place, read.path_places, read.ttl_place, read.share_place});
      read.rule.place = read.file + ":" + std::to_string(read.place.line);
      config.routes.rules.push_back(std::move(read.rule));
    }
  }

 private:
  void read_root(const Node& root, Report& report) {
    if (root.kind == Node::Kind::broken) return;
    if (root.kind != Node::Kind::map) {
      report.error(root.place,
                   "a file of rules is a mapping: 'rules:' with a list of rules below, and "
                   "'settings:'");
      return;
    }
    for (const Entry* entry : read_mapping(root, root_vocabulary(), report)) {
      if (entry->key.text == "settings") {
        settings_.read_file(entry->value, report);
      } else {
        read_rules(entry->value, report);
      }
    }
  }

  void read_rules(const Node& list, Report& report) {
    if (list.kind == Node::Kind::broken) return;
    if (list.kind != Node::Kind::list) {
      report.error(list.place, "rules: expected a list; each rule starts with '- path: …'");
      return;
    }
    for (const Node& node : list.items) {
      if (std::optional<ReadRule> read = read_rule(node, report))
        rules_.push_back(*std::move(read));
    }
  }

  /// Files in the order they were read, places in the order of the text; the same finding once (an
  /// alias repeats what is wrong with its anchor).
  void sort_from(std::size_t first) {
    const auto start = findings_.begin() + static_cast<std::ptrdiff_t>(first);
    std::stable_sort(start, findings_.end(), [](const Finding& left, const Finding& right) {
      if (left.file != right.file) return left.file < right.file;
      if (left.line != right.line) return left.line < right.line;
      return left.column < right.column;
    });
    const auto is_same = [](const Finding& left, const Finding& right) {
      return left.file == right.file && left.line == right.line && left.column == right.column &&
             left.message == right.message;
    };
    findings_.erase(std::unique(start, findings_.end(), is_same), findings_.end());
  }

  const Environment& environment_;
  std::vector<Finding>& findings_;
  SettingsReader settings_;
  std::vector<ReadRule> rules_;
};

/// Where the rules are, when the caller does not say: flag, then environment.
std::string find_rules(const Environment& environment, const Flags& flags) {
  const auto flag = flags.find("rules");
  if (flag != flags.end() && !flag->second.empty()) return flag->second.back();
  return environment("LARDER_RULES").value_or("");
}

}  // namespace

std::string format_finding(const Finding& finding) {
  std::string text;
  if (!finding.file.empty()) {
    text += finding.file + ":";
    if (finding.line > 0) {
      text += std::to_string(finding.line) + ":" + std::to_string(finding.column) + ":";
    }
    text += " ";
  }
  text += finding.level == Finding::Level::error ? "error: " : "warning: ";
  text += finding.message;
  return finding.name.empty() ? text : text + " [" + finding.name + "]";
}

bool LoadResult::ok() const {
  return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.level == Finding::Level::error;
  });
}

LoadResult load(const std::string& rules, const Environment& environment, const Flags& flags) {
  LoadResult result;
  Loader loader(environment, result.findings);
  const std::string path = rules.empty() ? find_rules(environment, flags) : rules;
  if (!path.empty()) {
    Report report(path, result.findings);
    for (const std::string& file : list_files(path, report)) loader.read_file(file);
  }
  loader.finish(flags, result);
  return result;
}

std::vector<std::string> changed_settings(const GivenSettings& before, const GivenSettings& after) {
  std::vector<std::string> changed;
  const auto add_missing = [&changed](const auto& here, const auto& there, bool differing) {
    for (const auto& [name, digest] : here) {
      const auto found = there.find(name);
      if (found == there.end() || (differing && found->second != digest)) changed.push_back(name);
    }
  };
  add_missing(before, after, true);
  add_missing(after, before, false);
  std::sort(changed.begin(), changed.end());
  return changed;
}

}  // namespace larder::config
