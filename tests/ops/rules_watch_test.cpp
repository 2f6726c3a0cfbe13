#include "ops/rules_watch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace larder::ops {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "larder-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] fs::path operator/(std::string_view name) const { return path_ / name; }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write(const fs::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

/// A watch on its own io_context, and what it has told.
struct Watched {
  explicit Watched(const fs::path& path)
      : watch(io, path.string(), rules_signature(path.string()), [this] {
          watch.note_read();
          ++told;
          io.stop();
        }) {
    watch.start();
  }
  /// Sooner than it would have looked by itself.
  [[nodiscard]] bool hears() {
    const int before = told;
    io.restart();
    io.run_for(RulesWatch::look_again - std::chrono::milliseconds(500));
    return told == before + 1;
  }
  asio::io_context io{1};
  int told = 0;
  RulesWatch watch;
};

TEST_CASE("RulesWatch: a file written in place, renamed over, removed and made again") {
  const Folder folder;
  const fs::path rules = folder / "rules.yaml";
  write(rules, "one");
  Watched watched(rules);

  write(rules, "two");
  CHECK(watched.hears());
  write(folder / "rules.yaml~", "three");
  fs::rename(folder / "rules.yaml~", rules);
  CHECK(watched.hears());
  // Still heard of the new file, which has another inode.
  write(rules, "four");
  CHECK(watched.hears());
  fs::remove(rules);
  CHECK(watched.hears());
  write(rules, "five");
  CHECK(watched.hears());
}

TEST_CASE("RulesWatch: a mounted config map, whose links are swapped") {
  const Folder folder;
  fs::create_directory(folder / "..1");
  fs::create_directory(folder / "..2");
  write(folder / "..1/rules.yaml", "one");
  write(folder / "..2/rules.yaml", "two");
  fs::create_directory_symlink("..1", folder / "..data");
  fs::create_symlink("..data/rules.yaml", folder / "rules.yaml");
  Watched watched(folder / "rules.yaml");

  fs::create_directory_symlink("..2", folder / "..data_tmp");
  fs::rename(folder / "..data_tmp", folder / "..data");
  CHECK(watched.hears());
  fs::create_directory_symlink("..1", folder / "..data_tmp");
  fs::rename(folder / "..data_tmp", folder / "..data");
  CHECK(watched.hears());
}

TEST_CASE("RulesWatch: a folder of rules") {
  const Folder folder;
  write(folder / "10-a.yaml", "one");
  Watched watched(folder.path());
  write(folder / "20-b.yml", "two");
  CHECK(watched.hears());
  write(folder / "20-b.yml", "three");
  CHECK(watched.hears());
  fs::remove(folder / "10-a.yaml");
  CHECK(watched.hears());
}

TEST_CASE("RulesWatch: what changed before it began to watch is told as well") {
  const Folder folder;
  const fs::path rules = folder / "rules.yaml";
  write(rules, "one");
  const std::string seen = rules_signature(rules.string());
  write(rules, "two");
  asio::io_context io{1};
  int told = 0;
  RulesWatch watch(io, rules.string(), seen, [&] { ++told; });
  watch.start();
  CHECK(told == 1);
}

TEST_CASE("rules_signature: content counts, and what is no rules file does not") {
  const Folder folder;
  write(folder / "a.yaml", "one");
  const std::string file = rules_signature((folder / "a.yaml").string());
  const std::string all = rules_signature(folder.path().string());
  write(folder / "a.yaml", "one");
  write(folder / "notes.txt", "x");
  write(folder / ".a.yaml.swp.yaml", "x");
  CHECK(rules_signature((folder / "a.yaml").string()) == file);
  CHECK(rules_signature(folder.path().string()) == all);
  write(folder / "a.yaml", "");
  const std::string empty = rules_signature((folder / "a.yaml").string());
  CHECK(empty != file);
  fs::remove(folder / "a.yaml");
  CHECK(rules_signature((folder / "a.yaml").string()) != empty);
}

}  // namespace
}  // namespace larder::ops
