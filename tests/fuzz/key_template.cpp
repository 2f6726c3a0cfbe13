// Keys: two requests have one key if and only if host, path, counted parameters and the parts that
// the rule's key names are the same; and then, where the key names the path, their fills are the
// same. The input: a key template
// and a path pattern, then two requests (target, fields), with empty lines between them.
#include <algorithm>
#include <array>

#include "http/cookies.hpp"
#include "http/target.hpp"
#include "oracle.hpp"
#include "policy/lookup.hpp"
#include "policy/route_index.hpp"

namespace {

using namespace larder;
using fuzz::require;
using policy::KeyPart;

using Meaning = std::vector<std::optional<std::string>>;

struct Looked {
  std::string key;
  Meaning meaning;
  policy::FillRequest fill;
};

/// What the rule's key names of a request, each part by itself.
Meaning meaning_of(const policy::LookupFacts& facts) {
  Meaning meaning;
  std::string host(facts.head.host);
  for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  meaning.emplace_back(host);
  std::optional<http::QueryParameters> parameters;
  if (facts.head.query) parameters = http::parse_query(*facts.head.query);
  if (parameters) parameters->sort_by_name();
  for (const KeyPart& part : facts.match.rule->key.parts) {
    switch (part.kind) {
      case KeyPart::Kind::path:
        meaning.emplace_back(facts.path);
        break;
      case KeyPart::Kind::path_parameter:
        for (const auto& [name, value] : facts.match.parameters)
          if (name == part.text) meaning.emplace_back(value);
        break;
      case KeyPart::Kind::header:
        meaning.push_back(facts.head.fields.combined(std::string_view(part.text)));
        break;
      case KeyPart::Kind::cookie: {
        const auto value = http::find_cookie(facts.head.fields, part.text);
        meaning.push_back(value ? std::optional(std::string(*value)) : std::nullopt);
        break;
      }
      case KeyPart::Kind::query_all:
      case KeyPart::Kind::query_only:
      case KeyPart::Kind::query_except: {
        const std::size_t before = meaning.size();
        if (parameters) {
          for (const http::QueryParameter& parameter : *parameters) {
            if (!part.counts_parameter(parameter.name)) continue;
            meaning.emplace_back(parameter.name);
            meaning.push_back(parameter.has_equals ? std::optional(std::string(parameter.value))
                                                   : std::nullopt);
          }
        }
        // One piece without name or value is no query: "?&" without what does not count.
        if (meaning.size() == before + 2 && meaning[before] == "" && !meaning.back())
          meaning.resize(before);
        meaning.emplace_back("end of parameters");
        break;
      }
      case KeyPart::Kind::literal:
      case KeyPart::Kind::claim:
        break;
    }
  }
  return meaning;
}

/// Nothing where the request is none, or is passed on.
std::optional<Looked> look(const policy::Routes& routes, std::string_view request) {
  std::string text = "GET ";
  const std::size_t line = request.find('\n');
  text.append(request.substr(0, line)).append(" HTTP/1.1\r\nHost: Api.example\r\n");
  while (request.find('\n') != std::string_view::npos) {
    request.remove_prefix(request.find('\n') + 1);
    text.append(request.substr(0, request.find('\n'))).append("\r\n");
  }
  text += "\r\n";
  http::RequestHead head;
  if (http::parse_request_head(text, {}, head) != http::HeadError::none) return {};
  std::string path;
  if (http::normalise_path(head.path, path) != http::Ambiguity::none) return {};
  const policy::RouteMatch match = policy::RouteIndex(routes.rules).match(path);
  if (!match.rule) return {};
  const policy::ForwardedFacts forwarded =
      policy::decide_forwarded(head, "192.0.2.1", false, "http");
  const policy::LookupFacts facts{.head = head,
                                  .match = match,
                                  .path = path,
                                  .ambiguous = false,
                                  .forwarded = forwarded,
                                  .session_cookies = {},
                                  .who = nullptr};
  Looked looked;
  if (!policy::append_cache_key(facts, {}, looked.key)) return {};
  looked.meaning = meaning_of(facts);
  looked.fill = policy::make_fill_request(facts, {});
  return looked;
}

/// Fields whose normal form counts, not their text.
bool is_normalised(const KeyPart& part) {
  return part.kind == KeyPart::Kind::header && part.text.starts_with("accept");
}

bool same_fill(const policy::FillRequest& a, const policy::FillRequest& b) {
  return a.target == b.target && a.cookie == b.cookie &&
         std::equal(a.keyed.begin(), a.keyed.end(), b.keyed.begin(), b.keyed.end(),
                    [](const policy::KeyedField& x, const policy::KeyedField& y) {
                      return x.name == y.name && x.value == y.value && x.sent == y.sent;
                    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 3> blocks{};
  for (std::string_view& block : blocks) {
    const std::size_t end = input.find("\n\n");
    block = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 2);
  }
  const std::size_t line = blocks[0].find('\n');
  const fuzz::Exact text(blocks[0].substr(0, line));
  const auto parsed = policy::parse_key_template(text.view());
  if (const auto* wrong = std::get_if<policy::KeyTemplateError>(&parsed)) {
    require(wrong->offset <= text.view().size() && !wrong->message.empty(), "an error has a place");
    return 0;
  }
  if (line == std::string_view::npos) return 0;
  auto pattern = policy::parse_path_pattern(blocks[0].substr(line + 1));
  auto* path = std::get_if<policy::PathPattern>(&pattern);
  if (!path) return 0;
  policy::Routes routes;
  policy::RouteRule& rule = routes.rules.emplace_back();
  rule.paths.push_back(std::move(*path));
  rule.key = std::get<policy::KeyTemplate>(parsed);
  rule.share = policy::Share::everyone;
  if (std::any_of(rule.key.parts.begin(), rule.key.parts.end(), is_normalised)) return 0;

  const std::optional<Looked> one = look(routes, blocks[1]);
  const std::optional<Looked> other = look(routes, blocks[2]);
  for (const auto* looked : {&one, &other})
    if (*looked)
      require(std::all_of((*looked)->key.begin(), (*looked)->key.end(),
                          [](char c) { return c > ' ' && c != 0x7f; }) ||
                  std::any_of(rule.key.parts.begin(), rule.key.parts.end(),
                              [](const KeyPart& p) { return p.kind == KeyPart::Kind::literal; }),
              "a key is one word but for the rule's own text");
  if (!one || !other) return 0;
  require((one->key == other->key) == (one->meaning == other->meaning),
          "one key, one meaning of the rule's parts");
  // Of a key without the path the loader sees to it that it names what the path tells.
  if (one->key == other->key && rule.key.has(KeyPart::Kind::path))
    require(same_fill(one->fill, other->fill), "one key, one fill");
  return 0;
}
