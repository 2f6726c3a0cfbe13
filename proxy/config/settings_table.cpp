#include "config/settings_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <utility>

#include "config/admin_token.hpp"
#include "config/mapping.hpp"
#include "policy/nearest.hpp"

namespace larder::config {
namespace {

using Draft = SettingsDraft;
using Values = std::vector<std::string>;

using Outcome = std::optional<WrongValue>;

// --- One value ---------------------------------------------------------------

template <typename Value, typename Target>
Outcome assign(Parsed<Value> parsed, Target& target) {
  if (auto* refused = std::get_if<Refused>(&parsed)) return WrongValue{0, std::move(refused->why)};
  target = static_cast<Target>(std::get<Value>(std::move(parsed)));
  return std::nullopt;
}

enum class Zero : bool { refused, allowed };

Parsed<milliseconds> parse_deadline(const std::string& text, Zero zero) {
  Parsed<milliseconds> parsed = parse_duration(text);
  const auto* duration = std::get_if<milliseconds>(&parsed);
  if (duration && *duration == milliseconds(0) && zero == Zero::refused) {
    return Refused{quote(text) + " would fail at once; it must be more than 0"};
  }
  return parsed;
}

template <milliseconds Settings::*member, Zero zero>
Outcome apply_duration(Draft& draft, const Values& values) {
  return assign(parse_deadline(values.front(), zero), draft.settings.*member);
}
template <milliseconds Settings::*member>
std::string show_duration(const Draft& draft) {
  return format_duration(draft.settings.*member);
}

template <milliseconds RedisSettings::*member, Zero zero>
Outcome apply_redis_duration(Draft& draft, const Values& values) {
  return assign(parse_deadline(values.front(), zero), draft.redis.*member);
}
template <milliseconds RedisSettings::*member>
std::string show_redis_duration(const Draft& draft) {
  return format_duration(draft.redis.*member);
}

template <std::uint64_t Settings::*member, std::uint64_t lowest>
Outcome apply_size(Draft& draft, const Values& values) {
  const Parsed<std::uint64_t> parsed = parse_size(values.front());
  if (const auto* size = std::get_if<std::uint64_t>(&parsed); size && *size < lowest) {
    return WrongValue{0, quote(values.front()) + " is too small; at least " + format_size(lowest)};
  }
  return assign(parsed, draft.settings.*member);
}
template <std::uint64_t Settings::*member>
std::string show_size(const Draft& draft) {
  return format_size(draft.settings.*member);
}

template <unsigned Settings::*member, unsigned lowest, unsigned highest>
Outcome apply_number(Draft& draft, const Values& values) {
  return assign(parse_number(values.front(), lowest, highest), draft.settings.*member);
}
template <unsigned Settings::*member>
std::string show_number(const Draft& draft) {
  return std::to_string(draft.settings.*member);
}

// --- The origin --------------------------------------------------------------

Outcome apply_tls_file(const std::string& file, std::string& target) {
  const bool is_clean = std::all_of(file.begin(), file.end(), [](char letter) {
    return static_cast<unsigned char>(letter) >= ' ';
  });
  if (!is_clean || file.ends_with('/'))
    return WrongValue{0, quote(file) + " is no file; write its path, or off"};
  target = file == "off" ? std::string() : file;
  return std::nullopt;
}
template <std::string UpstreamTls::*member>
Outcome apply_tls_file(Draft& draft, const Values& values) {
  return apply_tls_file(values.front(), draft.settings.upstream_tls.*member);
}
template <std::string UpstreamTls::*member>
std::string show_tls_file(const Draft& draft) {
  const std::string& file = draft.settings.upstream_tls.*member;
  return file.empty() ? "off" : file;
}

Outcome apply_upstream_verify(Draft& draft, const Values& values) {
  return assign(parse_boolean(values.front()), draft.settings.upstream_tls.verify);
}
std::string show_upstream_verify(const Draft& draft) {
  return draft.settings.upstream_tls.verify ? "true" : "false";
}

Outcome apply_host_name(const Values& values, std::string& target) {
  if (values.front() == "off") {
    target.clear();
    return std::nullopt;
  }
  if (!is_host(values.front()))
    return WrongValue{0, quote(values.front()) + " is no host name or address; write one, or off"};
  target = values.front();
  return std::nullopt;
}
Outcome apply_upstream_server_name(Draft& draft, const Values& values) {
  return apply_host_name(values, draft.settings.upstream_tls.server_name);
}
Outcome apply_health_check_host(Draft& draft, const Values& values) {
  return apply_host_name(values, draft.settings.health_check.host);
}
std::string show_upstream_server_name(const Draft& draft) {
  const std::string& name = draft.settings.upstream_tls.server_name;
  return name.empty() ? "off" : name;
}
std::string show_health_check_host(const Draft& draft) {
  const std::string& host = draft.settings.health_check.host;
  return host.empty() ? "off" : host;
}

Outcome apply_health_check(Draft& draft, const Values& values) {
  std::string& path = draft.settings.health_check.path;
  if (values.front() == "off") {
    path.clear();
    return std::nullopt;
  }
  Outcome wrong = assign(parse_target(values.front()), path);
  if (wrong) wrong->why += ", or off";
  return wrong;
}
std::string show_health_check(const Draft& draft) {
  const std::string& path = draft.settings.health_check.path;
  return path.empty() ? "off" : path;
}
template <milliseconds HealthCheck::*member>
Outcome apply_health_check_duration(Draft& draft, const Values& values) {
  return assign(parse_deadline(values.front(), Zero::refused), draft.settings.health_check.*member);
}
template <milliseconds HealthCheck::*member>
std::string show_health_check_duration(const Draft& draft) {
  return format_duration(draft.settings.health_check.*member);
}
template <unsigned HealthCheck::*member>
Outcome apply_health_check_number(Draft& draft, const Values& values) {
  return assign(parse_number(values.front(), 1, 100), draft.settings.health_check.*member);
}
template <unsigned HealthCheck::*member>
std::string show_health_check_number(const Draft& draft) {
  return std::to_string(draft.settings.health_check.*member);
}

Outcome apply_admin(Draft& draft, const Values& values) {
  if (values.front() == "off") {
    draft.settings.admin.reset();
    return std::nullopt;
  }
  Endpoint endpoint;
  Outcome wrong = assign(parse_listen(values.front()), endpoint);
  if (wrong) return WrongValue{0, wrong->why + ", or off"};
  draft.settings.admin = endpoint;
  return std::nullopt;
}
std::string show_admin(const Draft& draft) {
  return draft.settings.admin ? format_endpoint(*draft.settings.admin) : "off";
}

Outcome apply_admin_token_file(Draft& draft, const Values& values) {
  if (values.front() == "off") {
    draft.settings.admin_token.clear();
    return std::nullopt;
  }
  return assign(read_admin_token_file(values.front()), draft.settings.admin_token);
}
std::string show_admin_token_file(const Draft&) {
  return "off";
}

Outcome apply_redis(Draft& draft, const Values& values) {
  if (values.front() == "off") {
    draft.redis_url.reset();
    return std::nullopt;
  }
  Parsed<RedisUrl> parsed = parse_redis_url(values.front());
  if (auto* refused = std::get_if<Refused>(&parsed)) return WrongValue{0, std::move(refused->why)};
  draft.redis_url = std::get<RedisUrl>(std::move(parsed));
  return std::nullopt;
}
std::string show_redis(const Draft&) {
  return "off";
}

template <std::string RedisTls::*member>
Outcome apply_redis_file(Draft& draft, const Values& values) {
  return apply_tls_file(values.front(), draft.redis.tls.*member);
}
template <std::string RedisTls::*member>
std::string show_redis_file(const Draft& draft) {
  const std::string& file = draft.redis.tls.*member;
  return file.empty() ? "off" : file;
}
Outcome apply_redis_verify(Draft& draft, const Values& values) {
  return assign(parse_boolean(values.front()), draft.redis.tls.verify);
}
std::string show_redis_verify(const Draft& draft) {
  return draft.redis.tls.verify ? "true" : "false";
}

/// Where the rules are is the caller's business: it stands here for --help and the reference.
Outcome apply_rules(Draft&, const Values&) {
  return std::nullopt;
}
std::string show_rules(const Draft&) {
  return "none";
}

// --- Words -------------------------------------------------------------------

template <typename Enumeration>
struct Word {
  std::string_view text;
  Enumeration value;
};
constexpr std::array<Word<LogFormat>, 4> log_formats{{{"automatic", LogFormat::automatic},
                                                      {"text", LogFormat::text},
                                                      {"json", LogFormat::json},
                                                      {"combined", LogFormat::combined}}};
constexpr std::array<Word<LogLevel>, 4> log_levels{{{"debug", LogLevel::debug},
                                                    {"info", LogLevel::info},
                                                    {"warning", LogLevel::warning},
                                                    {"error", LogLevel::error}}};

template <typename Enumeration, std::size_t count>
Outcome apply_word(const std::array<Word<Enumeration>, count>& words, const Values& values,
                   Enumeration& target) {
  std::vector<std::string_view> known;
  for (const Word<Enumeration>& word : words) {
    known.push_back(word.text);
    if (word.text != values.front()) continue;
    target = word.value;
    return std::nullopt;
  }
  return WrongValue{0, "unknown word " + quote(values.front()) +
                           policy::suggest_nearest(values.front(), known) + "; known are " +
                           join_words(known)};
}
template <typename Enumeration, std::size_t count>
std::string show_word(const std::array<Word<Enumeration>, count>& words, Enumeration value) {
  for (const Word<Enumeration>& word : words) {
    if (word.value == value) return std::string(word.text);
  }
  return {};
}

Outcome apply_log_format(Draft& draft, const Values& values) {
  return apply_word(log_formats, values, draft.settings.log_format);
}
std::string show_log_format(const Draft& draft) {
  return show_word(log_formats, draft.settings.log_format);
}
Outcome apply_log_level(Draft& draft, const Values& values) {
  return apply_word(log_levels, values, draft.settings.log_level);
}
std::string show_log_level(const Draft& draft) {
  return show_word(log_levels, draft.settings.log_level);
}
template <bool Settings::*member>
Outcome apply_boolean(Draft& draft, const Values& values) {
  return assign(parse_boolean(values.front()), draft.settings.*member);
}
template <bool Settings::*member>
std::string show_boolean(const Draft& draft) {
  return draft.settings.*member ? "true" : "false";
}

/// The name of a file; what is in it is judged by who reads it.
template <std::string Settings::*member>
Outcome apply_file(Draft& draft, const Values& values) {
  const auto is_control = [](char letter) { return letter >= 0 && letter < ' '; };
  if (std::any_of(values.front().begin(), values.front().end(), is_control))
    return WrongValue{0, quote(values.front()) + " is no name of a file"};
  draft.settings.*member = values.front() == "off" ? std::string() : values.front();
  return std::nullopt;
}
template <std::string Settings::*member>
std::string show_file(const Draft& draft) {
  return (draft.settings.*member).empty() ? "off" : draft.settings.*member;
}

// --- Lists -------------------------------------------------------------------

std::string join(const Values& values) {
  std::string joined;
  for (const std::string& value : values) joined += (joined.empty() ? "" : ",") + value;
  return joined.empty() ? "off" : joined;
}

Outcome apply_listen(Draft& draft, const Values& values) {
  std::vector<ListenAddress> addresses;
  for (std::size_t index = 0; index < values.size(); ++index) {
    ListenAddress address;
    if (Outcome wrong = assign(parse_listen_address(values[index]), address))
      return WrongValue{index, wrong->why};
    // Port 0 is another port each time.
    const bool is_any_port = address.endpoint.port == 0 && !address.endpoint.host.empty();
    const auto is_same = [&](const ListenAddress& other) {
      return other.endpoint == address.endpoint && other.systemd == address.systemd &&
             other.descriptor == address.descriptor;
    };
    if (!is_any_port && std::any_of(addresses.begin(), addresses.end(), is_same))
      return WrongValue{index, quote(values[index]) + " stands here twice"};
    addresses.push_back(std::move(address));
  }
  if (addresses.empty()) return WrongValue{0, "an address is missing; write HOST:PORT"};
  draft.settings.listen = std::move(addresses);
  return std::nullopt;
}
std::string show_listen(const Draft& draft) {
  Values shown;
  for (const ListenAddress& address : draft.settings.listen)
    shown.push_back(format_listen_address(address));
  return join(shown);
}

Outcome apply_listen_mode(Draft& draft, const Values& values) {
  return assign(parse_mode(values.front()), draft.settings.listen_mode);
}
std::string show_listen_mode(const Draft& draft) {
  std::array<char, 8> room{};
  const auto [end, error] =
      std::to_chars(room.data(), room.data() + room.size(), draft.settings.listen_mode, 8);
  return "0" + std::string(room.data(), end);
}

Outcome apply_upstream(Draft& draft, const Values& values) {
  std::vector<Upstream> upstreams;
  for (std::size_t index = 0; index < values.size(); ++index) {
    Upstream upstream;
    if (Outcome wrong = assign(parse_upstream(values[index]), upstream))
      return WrongValue{index, wrong->why};
    if (std::find(upstreams.begin(), upstreams.end(), upstream) != upstreams.end())
      return WrongValue{index, quote(values[index]) + " stands here twice"};
    upstreams.push_back(std::move(upstream));
  }
  draft.settings.upstreams = std::move(upstreams);
  return std::nullopt;
}
std::string show_upstream(const Draft& draft) {
  Values shown;
  for (const Upstream& upstream : draft.settings.upstreams)
    shown.push_back(format_upstream(upstream));
  return join(shown);
}

bool is_off(const Values& values) {
  return values.size() == 1 && values.front() == "off";
}

Outcome apply_session_cookies(Draft& draft, const Values& values) {
  if (is_off(values)) {
    draft.settings.session_cookies.clear();
    return std::nullopt;
  }
  for (std::size_t index = 0; index < values.size(); ++index) {
    if (!is_token(values[index]))
      return WrongValue{index, quote(values[index]) + " is no name of a cookie"};
  }
  draft.settings.session_cookies = values;
  return std::nullopt;
}
std::string show_session_cookies(const Draft& draft) {
  return join(draft.settings.session_cookies);
}

Outcome apply_per_user(Draft& draft, const Values& values) {
  PerUser per_user{.by_token = false, .by_session = false};
  for (std::size_t index = 0; index < values.size(); ++index) {
    if (values[index] == "token") {
      per_user.by_token = true;
    } else if (values[index] == "session") {
      per_user.by_session = true;
    } else {
      return WrongValue{index, "unknown word " + quote(values[index]) +
                                   policy::suggest_nearest(values[index], {"token", "session"}) +
                                   "; known are token and session"};
    }
  }
  draft.settings.per_user = per_user;
  return std::nullopt;
}
std::string show_per_user(const Draft& draft) {
  Values words;
  if (draft.settings.per_user.by_token) words.emplace_back("token");
  if (draft.settings.per_user.by_session) words.emplace_back("session");
  return join(words);
}

// --- JWT ---------------------------------------------------------------------

/// What is put into `target` by "off".
template <typename Target>
Outcome switch_off(Target& target) {
  // Of an empty one that is moved g++ 12 says, under ThreadSanitizer, that it may be uninitialized.
  if constexpr (requires { target.reset(); }) {
    target.reset();
  } else {
    target = Target();
  }
  return std::nullopt;
}

/// A key that is given, or given up.
template <typename Made, typename Target>
Outcome assign_key(Draft& draft, Parsed<Made> parsed, Target& target) {
  draft.jwt.is_given = true;
  if (auto* refused = std::get_if<Refused>(&parsed)) return WrongValue{0, std::move(refused->why)};
  target = std::get<Made>(std::move(parsed));
  return std::nullopt;
}
Outcome apply_jwt_secret_file(Draft& draft, const Values& values) {
  if (is_off(values)) return switch_off(draft.jwt.secret);
  return assign_key(draft, read_secret_file(values.front()), draft.jwt.secret);
}
Outcome apply_jwt_public_key(Draft& draft, const Values& values) {
  if (is_off(values)) return switch_off(draft.jwt.public_key);
  return assign_key(draft, read_public_key_file(values.front()), draft.jwt.public_key);
}
Outcome apply_jwt_jwks(Draft& draft, const Values& values) {
  if (is_off(values)) return switch_off(draft.jwt.jwks);
  return assign_key(draft, read_jwks_file(values.front()), draft.jwt.jwks);
}
std::string show_off(const Draft&) {
  return "off";
}

Outcome apply_jwt_algorithms(Draft& draft, const Values& values) {
  std::vector<identity::Algorithm> algorithms;
  for (std::size_t index = 0; index < values.size(); ++index) {
    const Parsed<identity::Algorithm> parsed = parse_jwt_algorithm(values[index]);
    if (const auto* refused = std::get_if<Refused>(&parsed)) return WrongValue{index, refused->why};
    algorithms.push_back(std::get<identity::Algorithm>(parsed));
  }
  draft.jwt.algorithms = std::move(algorithms);
  return std::nullopt;
}
std::string show_jwt_algorithms(const Draft& draft) {
  Values names;
  for (const identity::Algorithm algorithm : draft.jwt.algorithms)
    names.emplace_back(identity::format_algorithm(algorithm));
  return join(names);
}

Outcome apply_jwt_claim(Draft& draft, const Values& values) {
  return assign(parse_jwt_text(values.front()), draft.jwt.claim);
}
std::string show_jwt_claim(const Draft& draft) {
  return draft.jwt.claim;
}

Outcome apply_jwt_issuer(Draft& draft, const Values& values) {
  if (is_off(values)) return switch_off(draft.jwt.issuer);
  return assign(parse_jwt_text(values.front()), draft.jwt.issuer);
}

template <std::vector<std::string> JwtDraft::*member>
Outcome apply_jwt_texts(Draft& draft, const Values& values) {
  if (is_off(values)) return switch_off(draft.jwt.*member);
  for (std::size_t index = 0; index < values.size(); ++index) {
    const Parsed<std::string> parsed = parse_jwt_text(values[index]);
    if (const auto* refused = std::get_if<Refused>(&parsed)) return WrongValue{index, refused->why};
  }
  draft.jwt.*member = values;
  return std::nullopt;
}
template <std::vector<std::string> JwtDraft::*member>
std::string show_jwt_texts(const Draft& draft) {
  return join(draft.jwt.*member);
}

Outcome apply_jwt_leeway(Draft& draft, const Values& values) {
  const Parsed<milliseconds> parsed = parse_duration(values.front());
  if (const auto* refused = std::get_if<Refused>(&parsed)) return WrongValue{0, refused->why};
  const milliseconds leeway = std::get<milliseconds>(parsed);
  if (leeway % seconds(1) != milliseconds(0) || leeway > std::chrono::minutes(10))
    return WrongValue{0, quote(values.front()) + " is no leeway; whole seconds up to 10m are"};
  draft.jwt.leeway = std::chrono::duration_cast<seconds>(leeway);
  return std::nullopt;
}
std::string show_jwt_leeway(const Draft& draft) {
  return format_duration(draft.jwt.leeway);
}

// --- Logs and traces ---------------------------------------------------------

Outcome apply_log_hidden(Draft& draft, const Values& values) {
  if (is_off(values)) {
    draft.settings.log_hidden.clear();
    return std::nullopt;
  }
  for (std::size_t index = 0; index < values.size(); ++index) {
    if (!is_token(values[index]))
      return WrongValue{index, quote(values[index]) + " is no name of a query parameter"};
  }
  draft.settings.log_hidden = values;
  return std::nullopt;
}
std::string show_log_hidden(const Draft& draft) {
  return join(draft.settings.log_hidden);
}

Outcome apply_log_sample(Draft& draft, const Values& values) {
  return assign(parse_percentage(values.front()), draft.settings.log_sample);
}
std::string show_log_sample(const Draft& draft) {
  return format_percentage(draft.settings.log_sample);
}

Outcome apply_otlp_endpoint(Draft& draft, const Values& values) {
  Otlp& otlp = draft.settings.otlp;
  if (is_off(values)) {
    otlp.endpoint.reset();
    return std::nullopt;
  }
  Parsed<Collector> parsed = parse_collector(values.front());
  if (auto* refused = std::get_if<Refused>(&parsed)) return WrongValue{0, std::move(refused->why)};
  Collector& collector = std::get<Collector>(parsed);
  otlp.endpoint = std::move(collector.endpoint);
  otlp.path = std::move(collector.path);
  return std::nullopt;
}
Outcome apply_otlp_sample(Draft& draft, const Values& values) {
  return assign(parse_percentage(values.front()), draft.settings.otlp.sample);
}
std::string show_otlp_sample(const Draft& draft) {
  return format_percentage(draft.settings.otlp.sample);
}

Outcome apply_trusted_proxies(Draft& draft, const Values& values) {
  if (is_off(values)) {
    draft.settings.trusted_proxies.clear();
    return std::nullopt;
  }
  Values blocks;
  for (std::size_t index = 0; index < values.size(); ++index) {
    Parsed<std::string> block = parse_block(values[index]);
    if (auto* refused = std::get_if<Refused>(&block))
      return WrongValue{index, std::move(refused->why)};
    blocks.push_back(std::get<std::string>(std::move(block)));
  }
  draft.settings.trusted_proxies = std::move(blocks);
  return std::nullopt;
}
std::string show_trusted_proxies(const Draft& draft) {
  return join(draft.settings.trusted_proxies);
}

// --- The table ---------------------------------------------------------------

template <milliseconds Settings::*member>
constexpr SettingAccess deadline{apply_duration<member, Zero::refused>, show_duration<member>};
template <milliseconds Settings::*member>
constexpr SettingAccess duration{apply_duration<member, Zero::allowed>, show_duration<member>};
template <milliseconds RedisSettings::*member>
constexpr SettingAccess redis_deadline{apply_redis_duration<member, Zero::refused>,
                                       show_redis_duration<member>};
template <milliseconds RedisSettings::*member>
constexpr SettingAccess redis_duration{apply_redis_duration<member, Zero::allowed>,
                                       show_redis_duration<member>};
template <std::string RedisTls::*member>
constexpr SettingAccess redis_file{apply_redis_file<member>, show_redis_file<member>};
template <std::string UpstreamTls::*member>
constexpr SettingAccess tls_file{apply_tls_file<member>, show_tls_file<member>};
template <milliseconds HealthCheck::*member>
constexpr SettingAccess check_duration{apply_health_check_duration<member>,
                                       show_health_check_duration<member>};
template <unsigned HealthCheck::*member>
constexpr SettingAccess check_number{apply_health_check_number<member>,
                                     show_health_check_number<member>};
template <std::uint64_t Settings::*member, std::uint64_t lowest = 0>
constexpr SettingAccess size{apply_size<member, lowest>, show_size<member>};
template <unsigned Settings::*member, unsigned lowest, unsigned highest>
constexpr SettingAccess number{apply_number<member, lowest, highest>, show_number<member>};

template <bool Settings::*member>
constexpr SettingAccess boolean{apply_boolean<member>, show_boolean<member>};
template <std::string Settings::*member>
constexpr SettingAccess file{apply_file<member>, show_file<member>};

constexpr unsigned most = 1'000'000;

}  // namespace

const std::vector<SettingRow>& setting_rows() {
  // clang-format off
  static const std::vector<SettingRow> rows{
    {"listen", "LARDER_LISTEN", "ADDRESS", "Where clients connect: HOST:PORT, https://HOST:PORT, unix:/PATH, systemd or fd:N", true, {apply_listen, show_listen}},
    {"listen_mode", "LARDER_LISTEN_MODE", "MODE", "Permissions of the Unix sockets that listen makes, in octal", false, {apply_listen_mode, show_listen_mode}},
    {"tls_certificate", "LARDER_TLS_CERTIFICATE", "FILE", "For https:// in listen: the certificate and its chain, PEM; read again when it changes", false, file<&Settings::tls_certificate>},
    {"tls_key", "LARDER_TLS_KEY", "FILE", "For https:// in listen: the key of tls_certificate, PEM", false, file<&Settings::tls_key>},
    {"tls_client_ca", "LARDER_TLS_CLIENT_CA", "FILE", "For https:// in listen: clients must show a certificate signed by one of these, PEM; off to ask for none", false, file<&Settings::tls_client_ca>},
    {"proxy_protocol", "LARDER_PROXY_PROTOCOL", "BOOLEAN", "Every connection comes from trusted_proxies and begins with a PROXY protocol header, version 1 or 2; others are closed", false, boolean<&Settings::proxy_protocol>},
    {"upstream", "LARDER_UPSTREAM", "URL", "The origin: http://HOST:PORT, https://HOST:PORT, unix:/PATH, or several", true, {apply_upstream, show_upstream}},
    {"upstream_ca", "LARDER_UPSTREAM_CA", "FILE", "Certificates (PEM) that an https upstream's must come from; without it the system's", false, tls_file<&UpstreamTls::ca>},
    {"upstream_verify", "LARDER_UPSTREAM_VERIFY", "BOOLEAN", "false accepts any certificate of an https upstream: anybody on the way may be it", false, {apply_upstream_verify, show_upstream_verify}},
    {"upstream_server_name", "LARDER_UPSTREAM_SERVER_NAME", "HOST", "Name that an https upstream is asked for (SNI) and must prove; without it the URL's host", false, {apply_upstream_server_name, show_upstream_server_name}},
    {"upstream_certificate", "LARDER_UPSTREAM_CERTIFICATE", "FILE", "Certificate chain (PEM) shown to an https upstream that asks for one", false, tls_file<&UpstreamTls::certificate>},
    {"upstream_key", "LARDER_UPSTREAM_KEY", "FILE", "Key (PEM) of upstream_certificate", false, tls_file<&UpstreamTls::key>},
    {"health_check", "LARDER_HEALTH_CHECK", "TARGET", "GET this from each upstream again and again, and send it nothing while it does not answer 2xx or 3xx; or off", false, {apply_health_check, show_health_check}},
    {"health_check_host", "LARDER_HEALTH_CHECK_HOST", "HOST", "Host of that GET, one of Django's ALLOWED_HOSTS; without it the URL's host", false, {apply_health_check_host, show_health_check_host}},
    {"health_check_interval", "LARDER_HEALTH_CHECK_INTERVAL", "DURATION", "Between two of them", false, check_duration<&HealthCheck::interval>},
    {"health_check_timeout", "LARDER_HEALTH_CHECK_TIMEOUT", "DURATION", "For one of them, connecting included", false, check_duration<&HealthCheck::timeout>},
    {"health_check_failures", "LARDER_HEALTH_CHECK_FAILURES", "NUMBER", "Failed ones in a row that take an upstream out", false, check_number<&HealthCheck::failures>},
    {"health_check_successes", "LARDER_HEALTH_CHECK_SUCCESSES", "NUMBER", "Passed ones in a row that bring it back", false, check_number<&HealthCheck::successes>},
    {"slow_start", "LARDER_SLOW_START", "DURATION", "An upstream that comes back gets its whole share of requests after this long; 0 is at once", false, duration<&Settings::slow_start>},
    {"rules", "LARDER_RULES", "PATH", "File of rules, or folder of *.yaml and *.yml read by name; without it everything is passed on", false, {apply_rules, show_rules}},
    {"admin", "LARDER_ADMIN", "HOST:PORT", "Where health and metrics are served, or off", false, {apply_admin, show_admin}},
    {"admin_token_file", "LARDER_ADMIN_TOKEN_FILE", "FILE", "The token that purging and reloading need, in a file; or the token itself in LARDER_ADMIN_TOKEN", false, {apply_admin_token_file, show_admin_token_file}},
    {"purge_method", "LARDER_PURGE_METHOD", "BOOLEAN", "Clients that show the admin token may purge a URL by PURGE, where they connect", false, boolean<&Settings::purge_method>},
    {"redis", "REDIS_URL", "URL", "The shared tier: redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss://, unix:/PATH, redis+sentinel://HOST,HOST/MASTER or redis+cluster://HOST,HOST; or off for the memory tier alone", false, {apply_redis, show_redis}},
    {"redis_timeout", "LARDER_REDIS_TIMEOUT", "DURATION", "For one Redis command, queueing included; then the request goes on without Redis", false, redis_deadline<&RedisSettings::timeout>},
    {"redis_connect_timeout", "LARDER_REDIS_CONNECT_TIMEOUT", "DURATION", "For connecting to Redis, looking up its name, asking Sentinels or a cluster for its address, and TLS included", false, redis_deadline<&RedisSettings::connect_timeout>},
    {"redis_ca", "LARDER_REDIS_CA", "FILE", "Certificates (PEM) that an encrypted Redis' must come from; without it the system's", false, redis_file<&RedisTls::ca>},
    {"redis_verify", "LARDER_REDIS_VERIFY", "BOOLEAN", "false accepts any certificate of an encrypted Redis: anybody on the way may be it", false, {apply_redis_verify, show_redis_verify}},
    {"redis_certificate", "LARDER_REDIS_CERTIFICATE", "FILE", "Certificate chain (PEM) shown to an encrypted Redis that asks for one", false, redis_file<&RedisTls::certificate>},
    {"redis_key", "LARDER_REDIS_KEY", "FILE", "Key (PEM) of redis_certificate", false, redis_file<&RedisTls::key>},
    {"fill_lock", "LARDER_FILL_LOCK", "DURATION", "Of replicas on one Redis that miss a key together one asks the origin, and the others wait for what it stores, at most this long; 0 switches it off", false, redis_duration<&RedisSettings::fill_lock>},
    {"lease", "LARDER_LEASE", "DURATION", "For how long after a write without an answer (a time-out, a 502 or 504) nothing that it concerns is stored, since Django may carry it out yet; and how long a write's lease in Redis lasts: should a replica be killed in a write, what it made old is served by others at most this long; 0 takes none", false, duration<&Settings::lease>},
    {"settle", "LARDER_SETTLE", "DURATION", "For origins that read from a lagging database replica: for so long after a write nothing that it concerns is stored, and after a start nothing at all; 0 stores at once", false, duration<&Settings::settle>},
    {"heartbeat", "LARDER_HEARTBEAT", "DURATION", "How long memory is believed without asking Redis, after Redis has last shown that every eviction was heard: what other replicas evict is never served for longer; 0 asks Redis at each hit", false, redis_duration<&RedisSettings::heartbeat>},
    {"memory", "LARDER_MEMORY", "SIZE", "Responses kept in memory; 0 switches the memory tier off", false, size<&Settings::memory>},
    {"warm", "LARDER_WARM", "NUMBER", "At start fetch so many responses from Redis into memory, those that were asked for most, for at most 10 seconds and half of memory; /readyz waits for them, 2 seconds at most; 0 fetches none", false, number<&Settings::warm, 0, 10'000>},
    {"object_limit", "LARDER_OBJECT_LIMIT", "SIZE", "Larger responses are passed on without being stored", false, size<&Settings::object_limit>},
    {"threads", "LARDER_THREADS", "NUMBER", "Threads; 0 is one per core", false, number<&Settings::threads, 0, 1024>},
    {"observe", "LARDER_OBSERVE", "NUMBER", "Watch GETs that no rule answers, so many distinct URLs of them at most, and the writes between them, so that larder suggest can find rules; takes up to 1.5 KiB a URL and 3 MiB; 0 watches nothing", false, number<&Settings::observe, 0, 1'000'000>},
    {"session_cookies", "LARDER_SESSION_COOKIES", "NAME", "Cookies that tell users apart: a request with one of them is passed on under share: anonymous; off for none", true, {apply_session_cookies, show_session_cookies}},
    {"per_user", "LARDER_PER_USER", "{token,session}", "What says who asks under share: per-user: token for a token that jwt verifies, session for one of session_cookies, or both", true, {apply_per_user, show_per_user}},
    {"jwt_secret_file", "LARDER_JWT_SECRET_FILE", "FILE", "Holds the secret that tokens are signed with, or off", false, {apply_jwt_secret_file, show_off}},
    {"jwt_public_key", "LARDER_JWT_PUBLIC_KEY", "FILE", "Holds the public key that tokens are verified with, in PEM, or off", false, {apply_jwt_public_key, show_off}},
    {"jwt_jwks", "LARDER_JWT_JWKS", "FILE", "Holds a JWK set that tokens are verified with, or off", false, {apply_jwt_jwks, show_off}},
    {"jwt_algorithms", "LARDER_JWT_ALGORITHMS", "{HS256,HS384,HS512,RS256,ES256,EdDSA}", "How tokens may be signed: HS256, HS384, HS512, RS256, ES256, EdDSA", true, {apply_jwt_algorithms, show_jwt_algorithms}},
    {"jwt_claim", "LARDER_JWT_CLAIM", "NAME", "The claim that says which user a token is for", false, {apply_jwt_claim, show_jwt_claim}},
    {"jwt_audience", "LARDER_JWT_AUDIENCE", "TEXT", "One of these must be in a token's aud; off: a token with aud is not believed", true, {apply_jwt_texts<&JwtDraft::audience>, show_jwt_texts<&JwtDraft::audience>}},
    {"jwt_issuer", "LARDER_JWT_ISSUER", "TEXT", "What a token's iss must be, or off for anything", false, {apply_jwt_issuer, show_off}},
    {"jwt_token_types", "LARDER_JWT_TOKEN_TYPES", "WORD", "What a token's token_type must be one of, where it has that claim", true, {apply_jwt_texts<&JwtDraft::token_types>, show_jwt_texts<&JwtDraft::token_types>}},
    {"jwt_leeway", "LARDER_JWT_LEEWAY", "DURATION", "How far clocks may differ in a token's exp, nbf and iat", false, {apply_jwt_leeway, show_jwt_leeway}},
    {"trusted_proxies", "LARDER_TRUSTED_PROXIES", "CIDR", "Hops whose X-Forwarded-* fields are kept and extended, or off for none", true, {apply_trusted_proxies, show_trusted_proxies}},
    {"head_limit", "LARDER_HEAD_LIMIT", "SIZE", "Largest head of a request or response", false, size<&Settings::head_limit, 1024>},
    {"target_limit", "LARDER_TARGET_LIMIT", "SIZE", "Longest path and query of a request", false, size<&Settings::target_limit, 256>},
    {"field_limit", "LARDER_FIELD_LIMIT", "NUMBER", "Most fields in a head", false, number<&Settings::field_limit, 10, most>},
    {"connection_limit", "LARDER_CONNECTION_LIMIT", "NUMBER", "Clients at once; lowered to what the limit of open files allows", false, number<&Settings::connection_limit, 1, most>},
    {"connections_per_address", "LARDER_CONNECTIONS_PER_ADDRESS", "NUMBER", "Clients at once from one address (IPv6: from one /64), trusted_proxies apart; 0 is no limit", false, number<&Settings::connections_per_address, 0, most>},
    {"request_limit", "LARDER_REQUEST_LIMIT", "NUMBER", "Requests in flight at once, streams and WebSockets included; beyond it 503; 0 is no limit but connection_limit", false, number<&Settings::request_limit, 0, most>},
    {"requests_per_connection", "LARDER_REQUESTS_PER_CONNECTION", "NUMBER", "A client's connection is closed after so many requests; 0 is no limit", false, number<&Settings::requests_per_connection, 0, 1'000'000'000>},
    {"body_limit", "LARDER_BODY_LIMIT", "SIZE", "Largest content of a request; 0 is no limit", false, size<&Settings::body_limit>},
    {"head_timeout", "LARDER_HEAD_TIMEOUT", "DURATION", "For a whole request head, from its first byte", false, deadline<&Settings::head_timeout>},
    {"idle_timeout", "LARDER_IDLE_TIMEOUT", "DURATION", "A client's connection is closed after this long without a request", false, deadline<&Settings::idle_timeout>},
    {"client_timeout", "LARDER_CLIENT_TIMEOUT", "DURATION", "Without progress in reading from or writing to a client", false, deadline<&Settings::client_timeout>},
    {"minimum_rate", "LARDER_MINIMUM_RATE", "SIZE", "A second: a client that sends content or reads its answer more slowly, averaged over the time that is spent waiting for it, is cut off; 0 is no limit", false, size<&Settings::minimum_rate>},
    {"rate_grace", "LARDER_RATE_GRACE", "DURATION", "Spent waiting for a client before minimum_rate counts", false, deadline<&Settings::rate_grace>},
    {"resolve_interval", "LARDER_RESOLVE_INTERVAL", "DURATION", "The addresses of an upstream's name are asked for again after this long, and at once when none of them can be connected to", false, duration<&Settings::resolve_interval>},
    {"connect_timeout", "LARDER_CONNECT_TIMEOUT", "DURATION", "For connecting to an upstream, looking up its name and TLS included", false, deadline<&Settings::connect_timeout>},
    {"first_byte_timeout", "LARDER_FIRST_BYTE_TIMEOUT", "DURATION", "From the end of a request to the head of the origin's answer", false, deadline<&Settings::first_byte_timeout>},
    {"between_bytes_timeout", "LARDER_BETWEEN_BYTES_TIMEOUT", "DURATION", "Without progress within the origin's answer; 0 is no limit, for streams that pause", false, duration<&Settings::between_bytes_timeout>},
    {"response_timeout", "LARDER_RESPONSE_TIMEOUT", "DURATION", "From the head of the origin's answer to its end, event streams and WebSockets excepted; 0 is no limit", false, duration<&Settings::response_timeout>},
    {"origin_idle_timeout", "LARDER_ORIGIN_IDLE_TIMEOUT", "DURATION", "Unused connections to the origin are closed after this long, which must be less than gunicorn's keepalive (2 s); 0 keeps none", false, duration<&Settings::origin_idle_timeout>},
    {"origin_idle_limit", "LARDER_ORIGIN_IDLE_LIMIT", "NUMBER", "Unused connections to the origin that each thread keeps", false, number<&Settings::origin_idle_limit, 0, most>},
    {"origin_limit", "LARDER_ORIGIN_LIMIT", "NUMBER", "Requests to the origin at once, of all threads; 0 is no limit", false, number<&Settings::origin_limit, 0, most>},
    {"origin_queue", "LARDER_ORIGIN_QUEUE", "NUMBER", "Requests that wait for a place among them; more are answered 503", false, number<&Settings::origin_queue, 0, most>},
    {"origin_queue_timeout", "LARDER_ORIGIN_QUEUE_TIMEOUT", "DURATION", "How long one waits before it is answered 503", false, deadline<&Settings::origin_queue_timeout>},
    {"drain_timeout", "LARDER_DRAIN_TIMEOUT", "DURATION", "After SIGTERM, for requests in flight", false, duration<&Settings::drain_timeout>},
    {"log_format", "LARDER_LOG_FORMAT", "{json,text,combined,automatic}", "json, text, combined (as nginx and Apache write it, with the cache's result at the end), or automatic: text on a terminal and JSON otherwise", false, {apply_log_format, show_log_format}},
    {"log_level", "LARDER_LOG_LEVEL", "{debug,info,warning,error}", "debug, info, warning or error", false, {apply_log_level, show_log_level}},
    {"access_log", "LARDER_ACCESS_LOG", "BOOLEAN", "One line for each request", false, boolean<&Settings::access_log>},
    {"log_sample", "LARDER_LOG_SAMPLE", "PERCENTAGE", "Of the hits that went well, so many have a line; every other request has one", false, {apply_log_sample, show_log_sample}},
    {"log_hidden", "LARDER_LOG_HIDDEN", "NAME", "Query parameters whose values are written as *** in logs and spans, or off for none", true, {apply_log_hidden, show_log_hidden}},
    {"request_id", "LARDER_REQUEST_ID", "BOOLEAN", "Gives each request an X-Request-ID, or keeps the client's: for the log, the origin and the client", false, boolean<&Settings::request_id>},
    {"otlp_endpoint", "LARDER_OTLP_ENDPOINT", "URL", "OpenTelemetry collector that gets spans of traced requests: http://HOST[:4318][/PATH], posted to PATH/v1/traces; or off", false, {apply_otlp_endpoint, show_off}},
    {"otlp_sample", "LARDER_OTLP_SAMPLE", "PERCENTAGE", "Of the requests that come without a traceparent, so many begin a trace", false, {apply_otlp_sample, show_otlp_sample}},
  };
  // clang-format on
  return rows;
}

const SettingRow* find_setting(std::string_view name) {
  const std::vector<SettingRow>& rows = setting_rows();
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [name](const SettingRow& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

std::string default_value(std::string_view setting) {
  const SettingRow* row = find_setting(setting);
  return row ? row->access.show(SettingsDraft()) : std::string();
}

const std::vector<SettingInfo>& settings_table() {
  static const std::vector<SettingInfo> table = [] {
    static std::deque<std::string> sentences;  // never moves what the table points to
    std::vector<SettingInfo> infos;
    for (const SettingRow& row : setting_rows()) {
      sentences.push_back(std::string(row.sentence) + " (default " + default_value(row.name) +
                          ").");
      infos.push_back({row.name, row.environment, row.value, sentences.back(), row.is_repeatable});
    }
    return infos;
  }();
  return table;
}

}  // namespace larder::config
