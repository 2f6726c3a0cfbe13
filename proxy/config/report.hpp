// Report: collects what is wrong with one source, with its place, so that reading can go on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/load.hpp"

namespace larder::config {

class Report {
 public:
  /// `file` as the user gave it; empty for environment and command line. Appends to `findings`,
  /// which must outlive this.
  Report(std::string file, std::vector<Finding>& findings)
      : file_(std::move(file)), findings_(findings) {}

  void error(Place place, std::string message) {
    add(Finding::Level::error, place, std::move(message));
  }
  /// `name`: of this kind of warning; empty: it has none.
  void warning(Place place, std::string message, std::string name = {}) {
    add(Finding::Level::warning, place, std::move(message), std::move(name));
  }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  void add(Finding::Level level, Place place, std::string message, std::string name = {}) {
    findings_.push_back(
        {level, file_, place.line, place.column, std::move(message), std::move(name)});
  }

  std::string file_;
  std::vector<Finding>& findings_;
};

}  // namespace larder::config
