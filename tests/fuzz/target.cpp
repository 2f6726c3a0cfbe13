// Targets: a normal form is its own normal form, means what the path means, and is never that of a
// path with another meaning; a query is the sum of its parameters. Two paths stand on two lines.
#include "http/target.hpp"

#include <algorithm>

#include "oracle.hpp"

namespace {

using namespace larder;
using fuzz::require;
using http::Ambiguity;

/// Segments, each decoded: what a path means to a server that splits before it decodes.
std::vector<std::string> meaning(std::string_view path) {
  std::vector<std::string> segments(1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '/') {
      segments.emplace_back();
    } else if (path[i] == '%') {
      const std::string digits(path.substr(i + 1, 2));
      segments.back().push_back(static_cast<char>(std::strtol(digits.c_str(), nullptr, 16)));
      i += 2;
    } else {
      segments.back().push_back(path[i]);
    }
  }
  return segments;
}

std::optional<std::string> check_path(std::string_view path) {
  const fuzz::Exact exact(path);
  const std::vector<std::string> possible = http::possible_paths(exact.view());
  require(!possible.empty() && possible.size() <= 4, "one to four paths are possible");
  for (auto i = possible.begin(); i != possible.end(); ++i)
    require(std::find(i + 1, possible.end(), *i) == possible.end(), "none of them twice");
  std::string normal;
  if (http::normalise_path(exact.view(), normal) != Ambiguity::none) return {};
  std::string again;
  require(http::normalise_path(normal, again) == Ambiguity::none && again == normal,
          "a normal form is its own");
  require(meaning(normal) == meaning(path), "a normal form means the same");
  require(std::find(possible.begin(), possible.end(), normal) != possible.end(),
          "the normal form is possible");
  require(http::possible_paths(normal).front() == possible.front(),
          "the normal form is decoded as the path is");
  for (const std::string& segment : meaning(path)) {
    require(segment != "." && segment != "..", "no dot segment however written");
    require(segment.find_first_of(std::string_view("/\\;\0", 4)) == std::string::npos ||
                path.find("%3B") != path.npos || path.find("%3b") != path.npos,
            "nothing that cuts a path in another way");
  }
  return normal;
}

void check_query(std::string_view query) {
  const fuzz::Exact exact(query);
  const auto parsed = http::parse_query(exact.view());
  if (!parsed) return;
  std::string joined;
  std::string anew;
  for (const http::QueryParameter& parameter : *parsed) {
    const std::string_view between = &parameter == &*parsed->begin() ? "" : "&";
    joined.append(between).append(parameter.raw);
    anew.append(between).append(parameter.name);
    if (parameter.has_equals) anew.append("=").append(parameter.value);
    require(parameter.has_equals || parameter.value.empty(), "no value without equals sign");
    require(parameter.name.find_first_of("=&;+") == std::string::npos, "names hold no separator");
    require(parameter.value.find_first_of("&;") == std::string::npos, "nor do values");
  }
  require(joined == query, "a query is the sum of its pieces");
  const auto again = http::parse_query(anew);
  require(again && again->size() == parsed->size(), "a query written anew has as many parameters");
  for (std::size_t i = 0; i < parsed->size(); ++i) {
    const http::QueryParameter& a = (*parsed)[i];
    const http::QueryParameter& b = (*again)[i];
    require(a.name == b.name && a.value == b.value && a.has_equals == b.has_equals,
            "and the same ones");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  const std::string_view first = input.substr(0, line);
  const auto one = check_path(first);
  check_query(first);
  if (line == std::string_view::npos) return 0;
  const std::string_view second = input.substr(line + 1);
  const auto other = check_path(second);
  check_query(second);
  if (one && other && *one == *other)
    require(meaning(first) == meaning(second), "two meanings share no normal form");
  return 0;
}
