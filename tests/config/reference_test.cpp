// Reference: rules/ says what the loader does. Schema, README and the example are held to it here.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include "config/lifetimes.hpp"
#include "config/rules.hpp"
#include "config/settings.hpp"
#include "files.hpp"
#include "policy/route_index.hpp"

using namespace larder;
using namespace larder::config;

namespace {

std::string read(const std::string& name) {
  std::ifstream stream(std::string(LARDER_RULES_FOLDER) + "/" + name, std::ios::binary);
  REQUIRE(stream);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::set<std::string> words(const std::vector<std::string_view>& list) {
  return {list.begin(), list.end()};
}

std::set<std::string> keys(const YAML::Node& map) {
  std::set<std::string> names;
  for (const auto& entry : map) names.insert(entry.first.as<std::string>());
  return names;
}

std::set<std::string> items(const YAML::Node& list) {
  std::set<std::string> names;
  for (const auto& item : list) names.insert(item.as<std::string>());
  return names;
}

/// JSON is YAML, and the schema uses nothing on which they differ.
YAML::Node definitions() {
  return YAML::Load(read("larder.schema.json"))["definitions"];
}

std::string flag_of(std::string_view setting) {
  std::string flag = "--" + std::string(setting);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

/// "| a | b |" -> {"a", "b"}, without backquotes.
std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> found;
  std::istringstream stream(line.substr(1));
  for (std::string cell; std::getline(stream, cell, '|');) {
    std::erase(cell, '`');
    const std::size_t start = cell.find_first_not_of(' ');
    found.push_back(start == std::string::npos
                        ? ""
                        : cell.substr(start, cell.find_last_not_of(' ') - start + 1));
  }
  return found;
}

}  // namespace

TEST_CASE("the schema knows the keys that the loader knows") {
  const YAML::Node schema = YAML::Load(read("larder.schema.json"));
  CHECK(keys(schema["properties"]) == std::set<std::string>{"rules", "settings"});
  const YAML::Node rule = definitions()["rule"];
  CHECK(keys(rule["properties"]) == words(rule_keys()));
  CHECK(items(rule["required"]) == std::set<std::string>{"path"});
  CHECK(items(rule["anyOf"][0]["required"]) == std::set<std::string>{"ttl"});
  const YAML::Node origin = definitions()["origin_ttl"];
  CHECK(keys(origin["properties"]) == words(origin_ttl_keys()));
  CHECK(items(rule["properties"]["client_cache_control"]["anyOf"][0]["enum"]) ==
        words(client_cache_control_words()));
  const YAML::Node write = definitions()["evicting_entry"];
  CHECK(keys(write["properties"]) == words(evict_on_keys()));
  CHECK(items(definitions()["method"]["anyOf"][0]["enum"]) == words(evicting_methods()));
  CHECK(items(rule["properties"]["share"]["anyOf"][0]["enum"]) == words(share_words()));
  CHECK(items(rule["properties"]["written_by"]["anyOf"][0]["enum"]) == words(written_by_words()));
  CHECK(items(rule["properties"]["coherence"]["anyOf"][0]["enum"]) == words(coherence_words()));
  CHECK(keys(definitions()["jwt"]["properties"]) == words(jwt_keys()));
  CHECK(keys(definitions()["settings"]["properties"]) == words(file_settings()));
  for (const YAML::Node& closed :
       {schema, rule, origin, write, definitions()["settings"], definitions()["jwt"]}) {
    CHECK_FALSE(closed["additionalProperties"].as<bool>(true));
  }
}

TEST_CASE("the schema describes each key, and each setting as --help does") {
  for (const auto& entry : definitions()["rule"]["properties"]) {
    CAPTURE(entry.first.as<std::string>());
    CHECK(entry.second["description"].as<std::string>("").size() > 20);
  }
  const auto check_setting = [](const std::string& name, const YAML::Node& described) {
    CAPTURE(name);
    const SettingRow* row = find_setting(name);
    REQUIRE(row);
    CHECK(described["description"].as<std::string>("") == std::string(row->sentence) + ".");
    CHECK(described["default"].as<std::string>("") == default_value(name));
  };
  for (const auto& entry : definitions()["settings"]["properties"]) {
    const auto name = entry.first.as<std::string>();
    if (name != "jwt") check_setting(name, entry.second);
  }
  for (const auto& entry : definitions()["jwt"]["properties"]) {
    const auto key = entry.first.as<std::string>();
    if (key != "secret") check_setting(std::string(jwt_prefix) + key, entry.second);
  }
}

TEST_CASE("the schema's words are the loader's") {
  for (const auto& entry : definitions()["settings"]["properties"]) {
    const YAML::Node& choices = entry.second["anyOf"];
    if (!choices) continue;
    for (const std::string& word : items(choices[0]["enum"])) {
      CAPTURE(word);
      CHECK(test::load_text("settings:\n  " + entry.first.as<std::string>() + ": " + word + "\n")
                .ok());
    }
  }
  for (const std::string_view share : share_words()) {
    CHECK(test::load_text("rules:\n  - {path: /a/, ttl: 1h, share: " + std::string(share) +
                          "}\nsettings:\n  per_user: session\n")
              .ok());
  }
  for (const std::string_view word : coherence_words()) {
    CHECK(
        test::load_text("rules:\n  - {path: /a/, ttl: 1h, coherence: " + std::string(word) + "}\n")
            .ok());
  }
  for (const std::string_view word : written_by_words()) {
    CHECK(test::load_text("rules:\n  - {path: /a/, ttl: 1h, share: per-user, written_by: " +
                          std::string(word) + "}\nsettings:\n  jwt: {secret: s}\n")
              .ok());
  }
}

TEST_CASE("the README's table is the table of settings") {
  std::istringstream text(read("README.md"));
  std::vector<std::string> documented;
  for (std::string line; std::getline(text, line);) {
    const std::vector<std::string> row =
        line.starts_with("| `") ? cells(line) : std::vector<std::string>();
    if (row.size() != 5) continue;
    CAPTURE(line);
    const SettingRow* setting = find_setting(row[0]);
    REQUIRE(setting);
    documented.push_back(row[0]);
    CHECK(row[1] == flag_of(row[0]));
    CHECK(row[2] == setting->environment);
    std::string value = row[3];
    std::erase(value, ' ');
    CHECK(value == default_value(row[0]));
    CHECK(row[4] == setting->sentence);
  }
  std::vector<std::string> known;
  for (const SettingInfo& info : settings_table()) known.emplace_back(info.name);
  CHECK(documented == known);
}

TEST_CASE("the README has a section and an example for each key of a rule") {
  const std::string text = read("README.md");
  for (const std::string_view key : rule_keys()) {
    CAPTURE(std::string(key));
    const std::size_t section = text.find("### `" + std::string(key) + "`\n");
    REQUIRE(section != std::string::npos);
    const std::size_t example = text.find("```yaml\n", section);
    REQUIRE(example != std::string::npos);
    const std::size_t next = text.find("\n### ", section + 1);
    CHECK(example < next);
    CHECK(text.substr(example, text.find("\n```\n", example) - example)
              .find(std::string(key) + ":") != std::string::npos);
  }
}

TEST_CASE("every example of the README loads without a finding") {
  const std::string text = read("README.md");
  std::size_t count = 0;
  for (std::size_t at = text.find("```yaml\n"); at != std::string::npos;
       at = text.find("```yaml\n", at)) {
    at += 8;
    const std::string example = text.substr(at, text.find("\n```\n", at) + 1 - at);
    CAPTURE(example);
    // Cases are a file of their own, which tests/config/cases_test and `larder test` read.
    if (example.starts_with("cases:")) continue;
    CHECK(test::describe(test::load_text(example, {{"SECRET_KEY", "s"}})) == "");
    ++count;
  }
  CHECK(count > 8);
}

TEST_CASE("the example loads without a finding and says what the demo needs") {
  const std::string path = std::string(LARDER_RULES_FOLDER) + "/resumate.yaml";
  const LoadResult result = load(path, test::make_environment({{"SECRET_KEY", "s"}}), {});
  CHECK(test::describe(result) == "");
  CHECK(result.config.settings.tokens);
  const policy::Routes& routes = result.config.routes;
  const auto name = [&](std::string_view path) {
    const policy::RouteMatch match = policy::RouteIndex(routes.rules).match(path);
    return match.rule ? match.rule->name : std::string("passed on");
  };
  CHECK(name("/api/ai/models/") == "ai-models");
  CHECK(name("/api/example-job-applications/") == "example-job-applications");
  CHECK(name("/api/example-job-applications/3/") == "example-job-applications");
  CHECK(name("/api/notices/3/") == "notices");
  CHECK(name("/api/job-applications/") == "job-applications");
  CHECK(name("/api/job-applications/3/") == "job-applications");
  CHECK(name("/api/ai/generate/") == "passed on");
  CHECK(name("/admin/ai/aimodel/") == "passed on");
  const policy::RouteMatch models = policy::RouteIndex(routes.rules).match("/api/ai/models/");
  REQUIRE(models.rule);
  REQUIRE(models.rule->evict_on.size() == 1);
  CHECK(models.rule->evict_on.front().path.covers("/admin/ai/aimodel/3/change/"));

  // Tried out without the secret, it warns and passes a user's own on.
  const LoadResult without = load(path, test::make_environment({}), {});
  CHECK(without.ok());
  REQUIRE(without.findings.size() == 1);
  CHECK(without.findings.front().message.starts_with("jwt: no key is set"));
  CHECK_FALSE(without.config.settings.tokens);
}
