// Rules: any bytes are a file of rules or a list of what is wrong with it, each with its place; the
// same bytes always the same. No anchor makes more of a file than its limits allow.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "config/load.hpp"
#include "config/yaml_source.hpp"
#include "oracle.hpp"
#include "policy/route_index.hpp"

namespace {

using namespace larder;
using fuzz::require;

/// The one file that is read again and again.
int file() {
  static const int made = memfd_create("rules.yaml", 0);
  return made;
}

std::optional<std::string> environment(const std::string& name) {
  if (name == "SET") return "value: [not yaml";
  return {};
}

std::size_t size_of(const config::Node& node) {
  std::size_t size = sizeof node + node.text.size();
  for (const config::Node& item : node.items) size += size_of(item);
  for (const config::Entry& entry : node.entries) size += size_of(entry.key) + size_of(entry.value);
  return size;
}

void check_tree(std::string_view text) {
  std::vector<config::Finding> findings;
  config::Report report("rules.yaml", findings);
  const std::optional<config::Node> root =
      config::parse_yaml(std::string(text), config::Environment(environment), report);
  require(root.has_value() || !findings.empty(), "a tree or a reason");
  // The limit counts what a file says; a node of ours is larger by a constant.
  if (root) require(size_of(*root) <= 64 * config::expanded_limit, "as large as may be");
}

void check_rules(const policy::Routes& routes) {
  for (const policy::RouteRule& rule : routes.rules) {
    require(!rule.paths.empty() && !rule.name.empty(), "a rule has paths and a name");
    const auto again = policy::parse_key_template(rule.key.text);
    const auto* parsed = std::get_if<policy::KeyTemplate>(&again);
    require(parsed && parsed->parts == rule.key.parts, "its key reads as it is written");
    require(rule.ttl.count() >= 0, "no lifetime is negative");
  }
  const policy::RouteIndex index(routes.rules);
  for (const std::string_view path : {"/", "/api/models/", "/api/models/7/", "/%C3%A9/"})
    static_cast<void>(index.match(path));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_tree(text);

  require(ftruncate(file(), 0) == 0 &&
              pwrite(file(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
          "the file can be written");
  const std::string path = "/proc/self/fd/" + std::to_string(file());
  const config::LoadResult result = config::load(path, config::Environment(environment), {});
  const auto lines = std::count(text.begin(), text.end(), '\n') + 2;
  for (const config::Finding& finding : result.findings) {
    require(!finding.message.empty(), "what is wrong is said");
    require(finding.line >= 0 && finding.line <= lines && finding.column >= 0, "where it is");
  }
  if (result.ok()) check_rules(result.config.routes);
  if (text.size() % 4 != 0) return 0;  // the rest is slow
  const config::LoadResult again = config::load(path, config::Environment(environment), {});
  require(again.findings.size() == result.findings.size() &&
              again.config.routes.rules.size() == result.config.routes.rules.size(),
          "the same each time");
  return 0;
}
