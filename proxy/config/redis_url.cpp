#include "config/redis_url.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "policy/nearest.hpp"

namespace larder::config {
namespace {

struct Scheme {
  std::string_view name;
  RedisKind kind;
  bool is_encrypted;
  std::string_view form;  ///< how it is written
};
constexpr std::array<Scheme, 6> schemes{{
    {"redis", RedisKind::single, false, "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]"},
    {"rediss", RedisKind::single, true, "rediss://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]"},
    {"redis+sentinel", RedisKind::sentinel, false,
     "redis+sentinel://HOST[:PORT],HOST[:PORT]/MASTER[/DATABASE]"},
    {"rediss+sentinel", RedisKind::sentinel, true,
     "rediss+sentinel://HOST[:PORT],HOST[:PORT]/MASTER[/DATABASE]"},
    {"redis+cluster", RedisKind::cluster, false, "redis+cluster://HOST[:PORT],HOST[:PORT]"},
    {"rediss+cluster", RedisKind::cluster, true, "rediss+cluster://HOST[:PORT],HOST[:PORT]"},
}};
constexpr std::string_view unix_form = "unix:/PATH[?db=DATABASE]";
constexpr std::uint16_t redis_port = 6379;
constexpr std::uint16_t sentinel_port = 26379;
constexpr std::size_t seed_limit = 64;

Refused refuse(std::string_view what, std::string_view form) {
  return Refused{std::string(what) + "; write " + std::string(form)};
}

/// A scheme that is not known. Only what cannot be a password is quoted.
Refused refuse_scheme(std::string_view scheme) {
  std::vector<std::string_view> known{"unix"};
  for (const Scheme& one : schemes) known.push_back(one.name);
  // Of names that are equally near the first is taken: "redis+clusters" begins with "redis", too.
  if (scheme.find('+') != std::string_view::npos) std::reverse(known.begin(), known.end());
  const bool is_word = std::all_of(scheme.begin(), scheme.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || letter == '+' || letter == '-';
  });
  const std::string suggestion = is_word ? policy::suggest_nearest(scheme, known) : "";
  if (!suggestion.empty())
    return Refused{"a Redis URL does not begin with '" + std::string(scheme) + "://'" + suggestion};
  return refuse("no Redis URL",
                "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], or rediss://, unix:, "
                "redis+sentinel:// or redis+cluster://");
}

/// Takes "USER:PASSWORD@" off. Nothing: a broken percent-encoding.
bool take_user(std::string_view& text, RedisUrl& url) {
  const std::size_t at_sign = text.rfind('@');
  if (at_sign == std::string_view::npos) return true;
  const std::string_view user = text.substr(0, at_sign);
  const std::size_t colon = user.find(':');
  const std::optional<std::string> name = decode_percent(user.substr(0, colon));
  const std::optional<std::string> password =
      decode_percent(colon == std::string_view::npos ? std::string_view() : user.substr(colon + 1));
  if (!name || !password) return false;
  url.username = *name;
  url.password = *password;
  text.remove_prefix(at_sign + 1);
  return true;
}

/// What is wrong with one option; empty: nothing.
std::string take_option(std::string_view name, const std::string& value, RedisUrl& url) {
  if (name == "db") {
    const Parsed<int> database = parse_redis_database(value);
    if (std::holds_alternative<Refused>(database)) return "the Redis URL's db is no number";
    const int number = std::get<int>(database);
    if (url.database && *url.database != number)
      return "the Redis URL names two databases, in its path and as db";
    url.database = number;
    return {};
  }
  if (name.starts_with("ssl_") && !url.is_encrypted)
    return "the Redis URL's " + std::string(name) + " is for rediss:// alone";
  if (name == "ssl_cert_reqs") {
    if (value != "none" && value != "required")
      return "the Redis URL's ssl_cert_reqs is neither required nor none";
    url.verify = value == "required";
    return {};
  }
  for (const auto& [file, member] :
       {std::pair("ssl_ca_certs", &RedisUrl::ca), std::pair("ssl_certfile", &RedisUrl::certificate),
        std::pair("ssl_keyfile", &RedisUrl::key)}) {
    if (name != file) continue;
    if (value.empty()) return "the Redis URL's " + std::string(name) + " names no file";
    url.*member = value;
    return {};
  }
  constexpr std::array<std::string_view, 5> known{"db", "ssl_ca_certs", "ssl_cert_reqs",
                                                  "ssl_certfile", "ssl_keyfile"};
  const std::string suggestion =
      policy::suggest_nearest(name, std::vector<std::string_view>(known.begin(), known.end()));
  // What is near to a known word is no password.
  if (!suggestion.empty())
    return "unknown option '" + std::string(name) + "' in the Redis URL" + suggestion;
  return "unknown option in the Redis URL: it may have db, ssl_ca_certs, ssl_cert_reqs, "
         "ssl_certfile and ssl_keyfile (percent-encode '?' in a password)";
}

/// Takes "?NAME=VALUE&..." off, after the rest has been read. What is wrong with it; empty:
/// nothing.
std::string take_options(std::string_view options, RedisUrl& url) {
  while (!options.empty()) {
    const std::string_view option = options.substr(0, options.find('&'));
    options.remove_prefix(std::min(options.size(), option.size() + 1));
    const std::size_t sign = option.find('=');
    if (sign == std::string_view::npos) return "an option of the Redis URL has no value";
    const std::optional<std::string> value = decode_percent(option.substr(sign + 1));
    if (!value) return "a broken percent-encoding in the Redis URL";
    const std::string wrong = take_option(option.substr(0, sign), *value, url);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

/// HOST[:PORT],HOST[:PORT]... What is wrong; empty: nothing.
std::string take_hosts(std::string_view hosts, std::uint16_t port, std::vector<Endpoint>& found) {
  while (found.size() < seed_limit) {
    const std::size_t comma = hosts.find(',');
    Endpoint endpoint;
    endpoint.port = port;
    bool has_port = false;
    switch (parse_authority(hosts.substr(0, comma), endpoint, has_port)) {
      case AuthorityTrouble::none:
        break;
      case AuthorityTrouble::host:
        return found.empty() ? "the Redis URL has no usable host"
                             : "the Redis URL has an unusable host in its list";
      case AuthorityTrouble::port:
        return "the Redis URL's port is no number from 1 to 65535";
    }
    if (endpoint.port == 0) return "the Redis URL's port is no number from 1 to 65535";
    found.push_back(std::move(endpoint));
    if (comma == std::string_view::npos) return {};
    hosts.remove_prefix(comma + 1);
  }
  return "the Redis URL has more than " + std::to_string(seed_limit) + " hosts";
}

/// Behind the hosts: [MASTER][/DATABASE]. What is wrong; empty: nothing.
std::string take_path(std::string_view path, RedisUrl& url) {
  if (url.kind == RedisKind::sentinel) {
    const std::size_t slash = path.find('/');
    const std::optional<std::string> name = decode_percent(path.substr(0, slash));
    if (!name || name->empty() || name->size() > 255)
      return "the Redis URL does not name the master that the Sentinels watch";
    url.master_name = *name;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  if (path.empty()) return {};
  const Parsed<int> database = parse_redis_database(path);
  if (std::holds_alternative<Refused>(database)) return "the Redis URL's database is no number";
  url.database = std::get<int>(database);
  return {};
}

Parsed<RedisUrl> parse_unix_url(std::string_view text) {
  RedisUrl url;
  const std::size_t question = text.find('?');
  const std::string_view options =
      question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
  text = text.substr(0, question);
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    // What stands before the path is who asks; a socket has no host.
    std::string_view user = text.substr(0, std::min(text.size(), text.find('/')));
    text.remove_prefix(user.size());
    if (!take_user(user, url))
      return refuse("a broken percent-encoding in the Redis URL", unix_form);
    if (!user.empty()) return refuse("a Unix socket of Redis has no host", unix_form);
  }
  const std::optional<std::string> path = decode_percent(text);
  const Parsed<Endpoint> socket = parse_unix("unix:" + path.value_or(""));
  if (!path || std::holds_alternative<Refused>(socket))
    return refuse("the Redis URL has no usable path of a socket", unix_form);
  url.endpoint = std::get<Endpoint>(socket);
  const std::string wrong = take_options(options, url);
  if (!wrong.empty()) return refuse(wrong, unix_form);
  return url;
}

}  // namespace

Parsed<RedisUrl> parse_redis_url(std::string_view text) {
  if (text.starts_with("unix:")) return parse_unix_url(text.substr(5));
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return refuse_scheme({});
  std::string given(text.substr(0, colon));
  // Valkey's own library writes its own name.
  if (given.starts_with("valkey")) given.replace(0, 6, "redis");
  const auto* const scheme = std::find_if(
      schemes.begin(), schemes.end(), [&given](const Scheme& one) { return one.name == given; });
  if (scheme == schemes.end()) return refuse_scheme(given);
  text.remove_prefix(colon + 3);

  RedisUrl url;
  url.kind = scheme->kind;
  url.is_encrypted = scheme->is_encrypted;
  if (text.find('#') != std::string_view::npos)
    return refuse("a Redis URL has no '#' (percent-encode it in a password)", scheme->form);
  const std::size_t question = text.find('?');
  const std::string_view options =
      question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
  if (options.find('@') != std::string_view::npos)
    return refuse("a Redis URL has its '@' before its '?' (percent-encode '?' in a password)",
                  scheme->form);
  text = text.substr(0, question);
  if (!take_user(text, url))
    return refuse("a broken percent-encoding in the Redis URL", scheme->form);
  const std::size_t slash = text.find('/');
  const bool is_single = url.kind == RedisKind::single;
  const bool is_sentinel = url.kind == RedisKind::sentinel;
  std::string wrong =
      take_hosts(text.substr(0, slash), is_sentinel ? sentinel_port : redis_port, url.seeds);
  if (wrong.empty() && is_single && url.seeds.size() > 1)
    wrong = "redis:// has one host; several are redis+sentinel:// or redis+cluster://";
  if (wrong.empty())
    wrong = take_path(slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1),
                      url);
  if (wrong.empty()) wrong = take_options(options, url);
  if (wrong.empty() && url.kind == RedisKind::cluster && url.database.value_or(0) != 0)
    wrong = "a Redis Cluster has database 0 alone";
  if (!wrong.empty()) return refuse(wrong, scheme->form);
  if (is_single) {
    url.endpoint = std::move(url.seeds.front());
    url.seeds.clear();
  }
  return url;
}

Parsed<int> parse_redis_database(std::string_view text) {
  const Parsed<std::uint64_t> number = parse_number(text, 0, 65535);
  if (const auto* refused = std::get_if<Refused>(&number)) return *refused;
  return static_cast<int>(std::get<std::uint64_t>(number));
}

}  // namespace larder::config
