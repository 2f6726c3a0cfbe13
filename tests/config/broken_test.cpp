// Broken files: one a kind of mistake, with every message it must give, word for word.
//
// LARDER_WRITE_EXPECTED=1 writes the messages instead of comparing them; read the difference before
// it is committed.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "config/load.hpp"

using namespace larder::config;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<fs::path> broken_files() {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(LARDER_BROKEN_RULES)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Each finding on a line, with the file's name alone.
std::string messages(const fs::path& path) {
  const Environment none = [](const std::string&) { return std::nullopt; };
  std::string text;
  for (Finding finding : load(path.string(), none, {}).findings) {
    if (!finding.file.empty()) finding.file = fs::path(finding.file).filename().string();
    text += format_finding(finding) + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("each broken file gives its messages") {
  const std::vector<fs::path> files = broken_files();
  CHECK(files.size() > 30);
  for (const fs::path& path : files) {
    const std::string name = path.filename().string();
    CAPTURE(name);
    const std::string found = messages(path);
    fs::path expected = path;
    expected.replace_extension(".expected");
    if (std::getenv("LARDER_WRITE_EXPECTED")) std::ofstream(expected, std::ios::binary) << found;
    CHECK_FALSE(found.empty());
    CHECK(found == read(expected));
    // No secret of any file may show; they all have the same.
    CHECK(found.find("hunter2") == std::string::npos);
  }
}
