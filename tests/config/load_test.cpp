// Load: good files become rules; several files become one list. Bad ones: broken_test.
#include "config/load.hpp"

#include <doctest/doctest.h>

#include "config/fingerprint.hpp"
#include "files.hpp"

using namespace larder;
using namespace larder::config;
using namespace std::chrono_literals;
using test::describe;
using test::Folder;
using test::load_text;
using test::make_environment;

namespace {

policy::RouteRule rule(const std::string& body) {
  const LoadResult result = load_text("rules:\n  - " + body + "\n");
  CHECK(describe(result) == "");
  REQUIRE(result.config.routes.rules.size() == 1);
  return result.config.routes.rules.front();
}

}  // namespace

TEST_CASE("the least a rule can say, and what that means") {
  const policy::RouteRule least = rule("{path: /api/a/, ttl: 90m}");
  CHECK(least.name == "/api/a/");
  REQUIRE(least.paths.size() == 1);
  CHECK(least.paths.front().text == "/api/a/");
  CHECK(least.ttl == 90min);
  CHECK(least.key.text == "{path}?{query}");
  CHECK(least.share == policy::Share::anonymous);
  CHECK(least.vary ==
        std::vector<policy::VaryField>{{"accept", {"application/json", "text/html"}}});
  CHECK(least.evict_on.empty());
  CHECK(least.after == 1);
  CHECK(least.variants == 10'000);
  CHECK(least.variants_per_url == 100);
  CHECK(least.first_byte_timeout == 0ms);
  CHECK(least.fingerprint != 0);
}

TEST_CASE("everything a rule can say") {
  const policy::RouteRule full = rule(R"(name: items
    path: [/a/, "/a/<int:pk>/"]
    ttl: 1d
    key: "{path}?{query.page}|{header.X-Tenant}|{cookie.lang}"
    share: everyone
    vary: [Accept-Language, {Accept: text/html}]
    evict_on:
      - /admin/a
      - {path: "/b/<slug:s>/", methods: [POST, DELETE]}
    after: 2
    variants: 0
    variants_per_url: 32
    first_byte_timeout: 1500ms)");
  CHECK(full.name == "items");
  CHECK(full.paths.size() == 2);
  CHECK(full.ttl == 24h);
  CHECK(full.key.parts.size() == 7);
  CHECK(full.share == policy::Share::everyone);
  CHECK(full.vary ==
        std::vector<policy::VaryField>{{"accept-language", {}}, {"accept", {"text/html"}}});
  REQUIRE(full.evict_on.size() == 2);
  CHECK(full.evict_on[0].path.covers("/admin/a/3/change/"));
  CHECK(full.evict_on[0].methods.empty());
  CHECK(full.evict_on[1].methods == std::vector<std::string>{"POST", "DELETE"});
  CHECK(full.after == 2);
  CHECK(full.variants == 0);
  CHECK(full.variants_per_url == 32);
  CHECK(full.first_byte_timeout == 1500ms);
}

TEST_CASE("vary: none, one, or Accept as it is") {
  CHECK(rule("{path: /a/, ttl: 1h, vary: []}").vary.empty());
  CHECK(rule("{path: /a/, ttl: 1h, vary: Origin}").vary ==
        std::vector<policy::VaryField>{{"origin", {}}});
  CHECK(rule("{path: /a/, ttl: 1h, vary: [Accept]}").vary ==
        std::vector<policy::VaryField>{{"accept", {}}});
  CHECK(rule("{path: /a/, ttl: 1h, vary: {Accept: [Text/HTML, a/b]}}").vary ==
        std::vector<policy::VaryField>{{"accept", {"text/html", "a/b"}}});
  CHECK(rule("{path: /a/, ttl: 1h, vary: {Accept-Language: [de, pt-BR, zh-Hant]}}").vary ==
        std::vector<policy::VaryField>{{"accept-language", {"de", "pt-br", "zh-hant"}}});
}

TEST_CASE("keys that tell every object apart are fine without {path}") {
  CHECK(rule("{path: /a/, ttl: 1h}").mode == policy::Mode::on);
  CHECK(rule("{path: /a/, mode: off}").mode == policy::Mode::off);
  CHECK(rule("{path: /a/, mode: off}").ttl == 0s);
  CHECK(rule("{path: /a/, mode: on, ttl: 1h}").mode == policy::Mode::on);
  CHECK(rule("{path: /a/, ttl: 1h}").verify == 0);
  CHECK(rule("{path: /a/, ttl: 1h, verify: 1%}").verify == 10'000);
  CHECK(rule("{path: /a/, ttl: 1h, verify: 0.1%}").verify == 1'000);
  CHECK(rule("{path: /a/, ttl: 1h, verify: 100%}").verify == 1'000'000);
  CHECK_FALSE(rule("{path: /a/, ttl: 1h}").body_limit);
  CHECK(rule("{path: /a/, ttl: 1h, body_limit: 0}").body_limit == 0);
  CHECK(rule("{path: /a/, ttl: 1h, body_limit: 2MiB}").body_limit == 2 << 20);
  CHECK(rule("{path: /a/, ttl: 1h, key: models}").key.text == "models");
  CHECK(rule("{path: '/a/<int:x>/<slug:y>/', ttl: 1h, key: '{y}-{x}'}").key.parts.size() == 3);
}

TEST_CASE("rules without names that share a first path get names of their own") {
  const LoadResult result =
      load_text("rules:\n  - {path: [/a/, /b/], ttl: 1h}\n  - {path: [/a/, /c/], ttl: 1h}\n");
  CHECK(result.ok());
  CHECK(describe(result).find("never gets a request") != std::string::npos);
  REQUIRE(result.config.routes.rules.size() == 2);
  CHECK(result.config.routes.rules[0].name == "/a/");
  CHECK(result.config.routes.rules[1].name == "/a/#2");
}

TEST_CASE("anchors and aliases work within the limits") {
  const LoadResult result = load_text(R"(rules:
  - {path: /a/, ttl: &long 24h, evict_on: &admin [/admin/a/, /admin/b/]}
  - {path: /b/, ttl: *long, evict_on: *admin}
)");
  CHECK(describe(result) == "");
  REQUIRE(result.config.routes.rules.size() == 2);
  CHECK(result.config.routes.rules[1].ttl == 24h);
  CHECK(result.config.routes.rules[1].evict_on.size() == 2);
}

TEST_CASE("variables work in every value of a rule") {
  const LoadResult result = load_text(R"(rules:
  - name: ${N}
    path: ["/${P}/", "/x/"]
    ttl: ${T:-5m}
    share: ${S:-everyone}
    evict_on: [{path: "/${P}/", methods: ["${M}"]}]
    vary: [{"Accept": ["${A:-text/html}"]}]
)",
                                      {{"N", "named"}, {"P", "api"}, {"M", "POST"}});
  CHECK(describe(result) == "");
  REQUIRE(result.config.routes.rules.size() == 1);
  const policy::RouteRule& read = result.config.routes.rules.front();
  CHECK(read.name == "named");
  CHECK(read.paths[0].text == "/api/");
  CHECK(read.ttl == 5min);
  CHECK(read.share == policy::Share::everyone);
  CHECK(read.evict_on.at(0).methods.at(0) == "POST");
  CHECK(read.vary.at(0).offered.at(0) == "text/html");
}

TEST_CASE("a folder is read by name, as one list") {
  const Folder folder;
  folder.write("20-b.yml", "rules:\n  - {path: /b/, ttl: 1h, name: twice}\n");
  folder.write("10-a.yaml",
               "rules:\n  - {path: /a/, ttl: 1h, name: twice}\nsettings:\n  memory: 1MiB\n");
  folder.write("30-c.yaml", "rules:\n  - {path: /a/, ttl: 1h}\nsettings:\n  memory: 2MiB\n");
  folder.write(".hidden.yaml", "not: ours\n");
  folder.write("notes.txt", "not: ours\n");
  folder.write("old.yaml~", "not: ours\n");
  std::filesystem::create_directory(folder.path() + "/folder.yaml");
  const LoadResult result = load(folder.path(), make_environment({}), {});
  REQUIRE(result.config.routes.rules.size() == 3);
  CHECK(result.config.routes.rules[0].paths[0].text == "/a/");
  CHECK(result.config.routes.rules[1].paths[0].text == "/b/");
  CHECK(result.config.settings.memory == 1 << 20);
  REQUIRE(result.findings.size() == 3);
  CHECK(format_finding(result.findings[0]) ==
        folder.path() + "/20-b.yml:2:32: error: name: 'twice' is used twice, first in " +
            folder.path() + "/10-a.yaml, line 2");
  CHECK(format_finding(result.findings[1]) ==
        folder.path() +
            "/30-c.yaml:2:12: warning: path: '/a/' never gets a request here: "
            "'/a/' in " +
            folder.path() +
            "/10-a.yaml, line 2 takes them (first match wins); move the narrower rule above, or "
            "remove it [never-matches]");
  CHECK(format_finding(result.findings[2]) ==
        folder.path() + "/30-c.yaml:4:3: error: memory: set twice, first in " + folder.path() +
            "/10-a.yaml, line 4");
}

TEST_CASE("one bad file in a folder does not hide what is wrong in the next") {
  const Folder folder;
  folder.write("a.yaml", "rules: [\n");
  folder.write("b.yaml", "rules:\n  - {path: /a/}\n");
  const LoadResult result = load(folder.path(), make_environment({}), {});
  CHECK(result.findings.size() == 2);
}

TEST_CASE("no file: an error when one is named, everything passed on when none is") {
  const Folder folder;
  const auto only = [](const LoadResult& result) {
    REQUIRE(result.findings.size() == 1);
    CHECK_FALSE(result.ok());
    return result.findings.front().message;
  };
  CHECK(only(load(folder.path() + "/none.yaml", make_environment({}), {})) ==
        "no such file or folder");
  CHECK(only(load(folder.path(), make_environment({}), {})) ==
        "a folder without *.yaml and *.yml files");
  const std::string file = folder.write("a.yaml", "rules: []\n");
  CHECK(only(load(file + "/b.yaml", make_environment({}), {})) == "no such file or folder");
  const LoadResult none = load("", make_environment({}), {});
  CHECK(none.ok());
  CHECK(none.config.routes.rules.empty());
}

TEST_CASE("where the rules are: the caller, the flag, the environment") {
  const Folder folder;
  const auto written = [&](const char* name) {
    return folder.write(std::string(name) + ".yaml",
                        "rules:\n  - {path: /" + std::string(name) + "/, ttl: 1h}\n");
  };
  const std::string caller = written("caller");
  const Flags flags{{"rules", {written("flag")}}};
  const Environment environment = make_environment({{"LARDER_RULES", written("environment")}});
  const auto first = [](const LoadResult& result) { return result.config.routes.rules.at(0).name; };
  CHECK(first(load(caller, environment, flags)) == "/caller/");
  CHECK(first(load("", environment, flags)) == "/flag/");
  CHECK(first(load("", environment, {})) == "/environment/");
}

TEST_CASE("a finding as a line") {
  CHECK(format_finding({Finding::Level::error, "a.yaml", 7, 5, "no"}) == "a.yaml:7:5: error: no");
  CHECK(format_finding({Finding::Level::warning, "a.yaml", 0, 0, "no"}) == "a.yaml: warning: no");
  CHECK(format_finding({Finding::Level::error, "", 0, 0, "--listen: no"}) == "error: --listen: no");
}

TEST_CASE("fingerprints are frozen: another number empties every user's Redis") {
  CHECK(rule("{path: /api/a/, ttl: 1h}").fingerprint == 14025081026003983926ULL);
  CHECK(
      rule("{path: [/a/, '/a/<int:pk>/'], ttl: 1h, key: '{path}', share: everyone, vary: [Origin]}")
          .fingerprint == 10945262953625023734ULL);
}

TEST_CASE("a fingerprint changes with what a stored response means, and with nothing else") {
  const std::uint64_t plain = rule("{path: /a/, ttl: 1h}").fingerprint;
  for (const std::string same :
       {"{path: /a/, ttl: 2h}", "{path: /a/, ttl: 1h, evict_on: /b/}",
        "{path: /a/, ttl: 1h, first_byte_timeout: 1s}",
        "{path: /a/, ttl: 1h, after: 2, variants: 5, variants_per_url: 5, verify: 1%}",
        "{path: [/a/], ttl: 1h, share: anonymous}",
        "{path: /a/, ttl: 1h, vary: [{accept: [application/json, text/html]}]}"}) {
    CAPTURE(same);
    CHECK(rule(same).fingerprint == plain);
  }
  for (const std::string other :
       {"{path: /b/, ttl: 1h}", "{path: /a/, ttl: 1h, name: n}", "{path: [/a/, /b/], ttl: 1h}",
        "{path: /a/, ttl: 1h, key: '{path}'}", "{path: /a/, ttl: 1h, share: everyone}",
        "{path: /a/, ttl: 1h, vary: []}", "{path: /a/, ttl: 1h, vary: [Accept]}",
        "{path: /a/, ttl: 1h, vary: [{Accept: [text/html, application/json]}]}"}) {
    CAPTURE(other);
    CHECK(rule(other).fingerprint != plain);
  }
}

TEST_CASE("changed_settings: names what a running process cannot take, whatever won") {
  struct Case {
    std::string_view name;
    std::string_view before, after;
    std::vector<std::string> expected;
  };
  const Case cases[] = {
      {"the same", "settings: {memory: 1MiB}", "settings: {memory: 1MiB}", {}},
      {"rules alone", "rules: []", "rules: [{path: /a/, ttl: 1h}]", {}},
      {"another value", "settings: {memory: 1MiB}", "settings: {memory: 2MiB}", {"memory"}},
      {"one that has come, one that has gone",
       "settings: {memory: 1MiB}",
       "settings: {threads: 2}",
       {"memory", "threads"}},
      {"a secret, by its digest",
       "settings: {jwt: {secret: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}",
       "settings: {jwt: {secret: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb}}",
       {"jwt.secret"}},
      {"a list by all of it",
       "settings: {session_cookies: [a, b]}",
       "settings: {session_cookies: [ab]}",
       {"session_cookies"}},
      {"what the environment overrules changes nothing",
       "settings: {log_level: info}",
       "settings: {log_level: error}",
       {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const test::Variables environment{{"LARDER_LOG_LEVEL", "warning"}};
    CHECK(changed_settings(test::load_text(c.before, environment).given,
                           test::load_text(c.after, environment).given) == c.expected);
  }
}

TEST_CASE("the admin token: from a file or the environment, long enough, never repeated") {
  const test::Folder folder;
  const std::string file = folder.write("token", "0123456789abcdef\n");
  const auto token_of = [](const test::Variables& environment, const Flags& flags = {}) {
    const LoadResult result = test::load_text("", environment, flags);
    return result.ok() ? result.config.settings.admin_token : test::describe(result);
  };
  CHECK(token_of({}) == "");
  CHECK(token_of({{"LARDER_ADMIN_TOKEN", " 0123456789abcdef "}}) == "0123456789abcdef");
  CHECK(token_of({{"LARDER_ADMIN_TOKEN_FILE", file}}) == "0123456789abcdef");
  CHECK(token_of({}, {{"admin_token_file", {file}}}) == "0123456789abcdef");
  CHECK(token_of({{"LARDER_ADMIN_TOKEN", "short-one"}}) ==
        "error: LARDER_ADMIN_TOKEN: the token has 9 characters; 16 to 512 are needed, such as "
        "`openssl rand -hex 32` makes\n");
  CHECK(token_of({{"LARDER_ADMIN_TOKEN", "0123456789 abcdef"}}).find("cannot carry") !=
        std::string::npos);
  CHECK(token_of({{"LARDER_ADMIN_TOKEN_FILE", folder.path() + "/no"}}).find("cannot be read") !=
        std::string::npos);
  CHECK(token_of({{"LARDER_ADMIN_TOKEN", "0123456789abcdef"}, {"LARDER_ADMIN_TOKEN_FILE", file}}) ==
        "error: LARDER_ADMIN_TOKEN and LARDER_ADMIN_TOKEN_FILE are both set\n");
  CHECK(token_of({{"LARDER_PURGE_METHOD", "true"}}).find("purge_method: there is no token") !=
        std::string::npos);
}

TEST_CASE("is_exposed: what others than this machine can connect to") {
  for (const std::string host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"})
    CHECK_MESSAGE(!is_exposed({host, 1}), host);
  for (const std::string host : {"0.0.0.0", "10.0.0.1", "::", "fe80::1", "larder", ""})
    CHECK_MESSAGE(is_exposed({host, 1}), host);
  CHECK_FALSE(is_exposed({.host = "", .port = 0, .path = "/run/larder"}));
}
