// Report: collects what is wrong with one source, with its place, so that reading can go on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/load.hpp"

namespace larder::config {

/// Counted from 1; 0 when there is none, as for the environment.
struct Place {
  int line = 0;
  int column = 0;  ///< in characters, not bytes
  bool operator==(const Place&) const = default;
};

class Report {
 public:
  /// `file` as the user gave it; empty for environment and command line. Appends to `findings`,
  /// which must outlive this.
  Report(std::string file, std::vector<Finding>& findings)
      : file_(std::move(file)), findings_(findings) {}

  void error(Place place, std::string message) {
    add(Finding::Level::error, place, std::move(message));
  }
  void warning(Place place, std::string message) {
    add(Finding::Level::warning, place, std::move(message));
  }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  void add(Finding::Level level, Place place, std::string message) {
    findings_.push_back({level, file_, place.line, place.column, std::move(message)});
  }

  std::string file_;
  std::vector<Finding>& findings_;
};

}  // namespace larder::config
