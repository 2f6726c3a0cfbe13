// The protocol of evictions, as others than Larder speak it: tests/golden/protocol-1 holds this
// side and the Django bridge (deploy/django) to the same scripts, names and tags.

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "policy/purge.hpp"
#include "policy/tags.hpp"
#include "store/lease_scripts.hpp"
#include "store/pipeline.hpp"
#include "store/redis_names.hpp"
#include "store/redis_writes.hpp"
#include "store/stamps.hpp"

namespace larder::test {
namespace {

using policy::PurgeKind;
using policy::Tags;
using store::Pipeline;

const std::string folder = LARDER_GOLDEN "/protocol-1/";

std::string read_whole(const std::string& name) {
  std::ifstream file(folder + name, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "no golden file ", name);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

/// The lines that say anything.
std::vector<std::string> rows_of(const std::string& name) {
  std::istringstream lines(read_whole(name));
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && !line.starts_with('#')) rows.push_back(line);
  REQUIRE(!rows.empty());
  return rows;
}

std::pair<std::string, std::string> halves_of(const std::string& row) {
  const std::size_t at = row.find(" = ");
  REQUIRE_MESSAGE(at != std::string::npos, row);
  return {row.substr(0, at), row.substr(at + 3)};
}

/// A command as Redis reads it: "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".
std::vector<std::string> words_sent(Pipeline& pipeline) {
  const store::RequestBytes bytes = pipeline.take_request();
  const std::string sent(bytes.begin(), bytes.end());
  std::vector<std::string> words;
  for (std::size_t at = sent.find('$'); at != std::string::npos && at < sent.size();) {
    const std::size_t size = std::stoul(sent.substr(at + 1));
    const std::size_t begin = sent.find("\r\n", at) + 2;
    words.push_back(sent.substr(begin, size));
    at = sent.find('$', begin + size);
  }
  return words;
}

Tags sorted(Tags tags) {
  std::sort(tags.begin(), tags.end());
  return tags;
}

/// What a PUT evicts of a rule that has every path.
Tags tags_of_write(const std::string& path) {
  policy::Routes routes;
  policy::RouteRule rule;
  rule.name = "any";
  for (const std::string_view text : {"/", "/<path:any>"})
    rule.paths.push_back(std::get<policy::PathPattern>(policy::parse_path_pattern(text)));
  routes.rules.push_back(rule);
  const auto decided = policy::decide_eviction(routes, http::Method::put, "PUT", path);
  REQUIRE(std::holds_alternative<policy::Evict>(decided));
  return std::get<policy::Evict>(decided).tags;
}

Tags tags_of_purge(PurgeKind kind, const std::string& text) {
  policy::Routes routes;
  policy::RouteRule rule;
  rule.name = text;
  routes.rules.push_back(rule);
  const auto purged = policy::tags_of_purge({kind, text}, policy::PurgeStrength::hard, routes);
  REQUIRE(std::holds_alternative<Tags>(purged));
  return sorted(std::get<Tags>(purged));
}

/// Of a response, but for that of its rule.
Tags tags_by_path(const std::string& path) {
  Tags tags = policy::tags_of_response("any", path);
  tags.erase(std::remove(tags.begin(), tags.end(), "r:any"), tags.end());
  return sorted(std::move(tags));
}

TEST_CASE("protocol: what an eviction of a path, a tag, a rule comes to") {
  for (const std::string& row : rows_of("tags.txt")) {
    CAPTURE(row);
    const auto [asked, told] = halves_of(row);
    const std::string what = asked.substr(0, asked.find(' '));
    const std::string text = what == asked ? std::string() : asked.substr(what.size() + 1);
    const Tags expected = words_of(told);
    if (what == "resource") {
      CHECK(policy::tags_of_response("any", text).front() == expected.front());
      const Tags evicted = policy::tags_of_path(text, false);
      CHECK(std::find(evicted.begin(), evicted.end(), expected.front()) != evicted.end());
    } else if (what == "response") {
      CHECK(tags_by_path(text) == expected);
    } else if (what == "write") {
      CHECK(tags_of_write(text) == expected);
    } else if (what == "url") {
      CHECK(tags_of_purge(PurgeKind::url, text) == expected);
    } else if (what == "prefix") {
      CHECK(tags_of_purge(PurgeKind::prefix, text) == expected);
    } else if (what == "tag") {
      CHECK(tags_of_purge(PurgeKind::tag, text) == expected);
    } else if (what == "rule") {
      CHECK(tags_of_purge(PurgeKind::rule, text) == expected);
    } else {
      REQUIRE(what == "all");
      CHECK(tags_of_purge(PurgeKind::everything, text) == expected);
    }
  }
}

TEST_CASE("protocol: every response is below the root, or is the root") {
  // So that whoever cannot know the run of Redis evicts everything by these two.
  for (const std::string path : {"/", "/a", "/a/", "/api/ai/models/", "/gr%C3%B6%C3%9Fe/"}) {
    const Tags tags = policy::tags_of_response("any", path);
    const auto has = [&tags](std::string_view tag) {
      return std::find(tags.begin(), tags.end(), tag) != tags.end();
    };
    CHECK_MESSAGE((has("b:/") || has("p:/")), path);
  }
}

TEST_CASE("protocol: the keys of tags, in their order") {
  const store::Keyspace keyspace;
  for (const std::string& row : rows_of("keys.txt")) {
    CAPTURE(row);
    const auto [tags, told] = halves_of(row);
    std::vector<std::string> keys;
    for (const std::string& tag : store::with_named_tag(words_of(tags)))
      keys.push_back(keyspace.stamp_key(tag, "run"));
    CHECK(keys == words_of(told));
  }
  CHECK(store::longest_name == 512);
  CHECK(store::partition_count == 16);
  CHECK(store::partition_root(5) == "larder:1:{5}:");
}

TEST_CASE("protocol: the script that evicts, and how it is called") {
  store::Pipeline loading;
  store::LeaseScripts::add_load(loading);
  const std::vector<std::string> loaded = words_sent(loading);
  REQUIRE(loaded.size() == 3 * store::LeaseScripts::load_commands);
  CHECK(loaded[5] == read_whole("end.lua"));

  const std::vector<std::string> calls = rows_of("call.txt");
  REQUIRE(calls.size() == 2);
  const std::chrono::milliseconds settle[] = {std::chrono::milliseconds(0),
                                              std::chrono::milliseconds(1500)};
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CAPTURE(calls[i]);
    const std::vector<std::string> expected = words_of(calls[i]);
    const std::size_t count = std::stoul(expected[2]);
    store::Pipeline pipeline;
    store::LeaseScripts().add_end(pipeline,
                                  {.holder = {},
                                   .evicted = {expected.begin() + 3, expected.begin() + 3 + count},
                                   .unchanged = {},
                                   .settle = settle[i],
                                   .stamp_lifetime = store::RedisWrites::stamp_lifetime});
    const std::vector<std::string> sent = words_sent(pipeline);
    REQUIRE(sent.size() == expected.size());
    CHECK(sent[0] == "EVALSHA");  // its SHA-1 is that of the text above, by Redis' own word
    for (std::size_t word = 2; word < sent.size(); ++word) {
      CAPTURE(word);
      if (expected[word] == "STAMP")
        CHECK(store::parse_stamp(sent[word]) != 0);
      else
        CHECK(sent[word] == (expected[word] == "''" ? "" : expected[word]));
    }
  }
}

}  // namespace
}  // namespace larder::test
