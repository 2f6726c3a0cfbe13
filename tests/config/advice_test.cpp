#include "config/advice.hpp"

#include <string>

#include <doctest/doctest.h>

#include "files.hpp"

using namespace larder;
using namespace larder::config;

namespace {

/// The names of what is advised, each with its line.
std::string advice_on(const std::string& rules) {
  const LoadResult loaded = test::load_text("rules:\n" + rules);
  REQUIRE(loaded.ok());
  std::string text;
  for (const Finding& finding : advise(loaded))
    text += (text.empty() ? "" : " ") + finding.name + "@" + std::to_string(finding.line);
  return text;
}

}  // namespace

TEST_CASE("two rules overlap where each has paths of its own besides") {
  CHECK(advice_on("  - {path: /a/<str:x>/list/, ttl: 1m}\n"
                  "  - {path: /a/b/<str:y>/, ttl: 1m}\n") == "overlap@3");
  // The narrower above the wider is what the order is for.
  CHECK(advice_on("  - {path: /a/<int:x>/, ttl: 1m}\n"
                  "  - {path: /a/<slug:y>/, ttl: 1m}\n")
            .empty());
  CHECK(advice_on("  - {path: /a/<int:x>/, ttl: 1m}\n"
                  "  - {path: /b/<int:y>/, ttl: 1m}\n")
            .empty());
  // A rule that is off takes paths away, and says so.
  CHECK(advice_on("  - {path: /a/<str:x>/list/, mode: off}\n"
                  "  - {path: /a/b/<str:y>/, ttl: 1m}\n")
            .empty());
  // Within one rule the order says nothing.
  CHECK(advice_on("  - {path: [/a/<str:x>/list/, /a/b/<str:y>/], ttl: 1m}\n").empty());
}

TEST_CASE("what everyone gets for long is to be evicted by something") {
  const auto advice = [](const std::string& keys) {
    return advice_on("  - {path: /a/, " + keys + "}\n");
  };
  CHECK(advice("ttl: 61m, share: everyone") == "not-evicted@2");
  CHECK(advice("ttl: 60m, share: everyone").empty());
  CHECK(advice("ttl: 61m, share: everyone, evict_on: /admin/a/").empty());
  CHECK(advice("ttl: 61m, share: everyone, tags: things").empty());
  CHECK(advice("ttl: 61m").empty());
  CHECK(advice("ttl: origin, share: everyone").empty());
}

TEST_CASE("the example that is there to be copied raises nothing") {
  const LoadResult loaded =
      load(std::string(LARDER_RULES_FOLDER) + "/resumate.yaml",
           test::make_environment({{"SECRET_KEY", std::string(40, 'x')}}), {});
  CHECK(loaded.findings.empty());
  CHECK(advise(loaded).empty());
}
