#include "config/settings.hpp"

#include <algorithm>
#include <utility>

#include "config/admin_token.hpp"
#include "config/mapping.hpp"
#include "identity/digest.hpp"
#include "policy/nearest.hpp"

namespace larder::config {
namespace {

/// Splits at commas what may be repeated.
std::vector<std::string> split(const SettingRow& row, std::string_view text) {
  std::vector<std::string> values;
  while (row.is_repeatable) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) break;
    values.emplace_back(trim(text.substr(0, comma)));
    text.remove_prefix(comma + 1);
  }
  values.emplace_back(trim(text));
  return values;
}

/// An empty variable is as good as none: compose files pass on what is not set as empty.
std::optional<std::string> read_variable(const Environment& environment, std::string_view name) {
  std::optional<std::string> value = environment(std::string(name));
  if (!value || trim(*value).empty()) return std::nullopt;
  return std::string(trim(*value));
}

/// "jwt_claim" as "jwt.claim", which is how the file is spoken of.
std::string as_in_file(std::string_view name) {
  if (!name.starts_with(jwt_prefix)) return std::string(name);
  return "jwt." + std::string(name.substr(jwt_prefix.size()));
}

}  // namespace

// --- Sources -----------------------------------------------------------------

void SettingsReader::read_file(const Node& settings, Report& report) {
  if (settings.kind != Node::Kind::map) {
    if (settings.kind != Node::Kind::broken) {
      report.error(settings.place, "settings: expected a mapping such as 'listen: 0.0.0.0:8080'");
    }
    return;
  }
  const Vocabulary vocabulary{"'settings'",
                              file_settings(),
                              {{"rules", "where they are is said by --rules or LARDER_RULES"}}};
  for (const Entry* entry : read_mapping(settings, vocabulary, report)) {
    const std::string& name = entry->key.text;
    const auto [found, is_new] =
        set_in_.emplace(name, report.file() + ", line " + std::to_string(entry->key.place.line));
    if (!is_new) {
      report.error(entry->key.place, name + ": set twice, first in " + found->second);
    } else if (name == "jwt") {
      read_jwt(*entry, report);
    } else {
      read_entry(*entry, name, *find_setting(name), report);
    }
  }
}

/// `name`: as messages call it.
void SettingsReader::read_entry(const Entry& entry, std::string_view name, const SettingRow& row,
                                Report& report) {
  const std::string owner(name);
  if (entry.value.kind == Node::Kind::list && !row.is_repeatable) {
    report.error(entry.value.place, owner + ": expected one value, found a list");
    return;
  }
  std::vector<std::string> values;
  std::vector<Place> places;
  bool is_usable = true;
  for (const Node* item : read_list(entry.value, owner, report)) {
    const std::string* text = read_text(*item, owner, std::string(row.value), report);
    if (!text) is_usable = false;
    if (!text || trim(*text).empty()) continue;
    for (std::string& value : split(row, *text)) {
      values.push_back(std::move(value));
      places.push_back(item->place);
    }
  }
  const bool is_empty_list = entry.value.kind == Node::Kind::list && entry.value.items.empty();
  if (is_empty_list) {
    values.emplace_back("off");
    places.push_back(entry.value.place);
  }
  // Empty once expanded, as "${REDIS_URL:-}": not set.
  if (!is_usable || values.empty()) return;
  note_given(name, values);
  if (const std::optional<WrongValue> wrong = row.access.apply(draft_, values)) {
    report.error(places[wrong->index], owner + ": " + wrong->why);
  }
}

void SettingsReader::read_jwt(const Entry& entry, Report& report) {
  const Node& map = entry.value;
  if (map.kind == Node::Kind::broken) return;
  draft_.jwt.is_given = true;
  draft_.jwt.file = report.file();
  draft_.jwt.place = entry.key.place;
  if (map.kind != Node::Kind::map) {
    // What stands there may be the secret.
    report.error(map.place, "jwt: expected a mapping such as {secret: \"${SECRET_KEY}\"}");
    return;
  }
  bool has_secret = false;
  for (const Entry* part : read_mapping(map, {"'jwt'", jwt_keys(), {}}, report)) {
    const std::string& key = part->key.text;
    if (key == "secret" || key == "secret_file") {
      if (has_secret)
        report.error(part->key.place, "jwt: 'secret' and 'secret_file' say the same twice");
      has_secret = true;
    }
    if (key != "secret") {
      read_entry(*part, "jwt." + key, *find_setting(std::string(jwt_prefix) + key), report);
      continue;
    }
    const std::string* text = read_text(part->value, "jwt.secret", "the secret", report);
    // Empty once expanded: not set, which is told once the rules are known.
    if (!text || text->empty()) continue;
    note_given("jwt.secret", {*text});
    Parsed<identity::Key> secret = parse_secret(*text);
    if (const auto* refused = std::get_if<Refused>(&secret)) {
      report.error(part->value.place, "jwt.secret: " + refused->why);
    } else {
      draft_.jwt.secret = std::get<identity::Key>(std::move(secret));
    }
  }
}

void SettingsReader::read_environment(const Environment& environment, Report& report) {
  for (const SettingRow& row : setting_rows()) {
    if (row.name == "redis") continue;
    const std::optional<std::string> text = read_variable(environment, row.environment);
    if (!text) continue;
    note_given(as_in_file(row.name), {*text});
    if (const std::optional<WrongValue> wrong = row.access.apply(draft_, split(row, *text))) {
      report.error({}, std::string(row.environment) + ": " + wrong->why);
    }
  }
  read_redis_environment(environment, report);
  read_jwt_environment(environment, report);
  read_admin_token(environment, report);
}

/// Like the secret of tokens it has no flag, which `ps` would show.
void SettingsReader::read_admin_token(const Environment& environment, Report& report) {
  const std::optional<std::string> text = read_variable(environment, "LARDER_ADMIN_TOKEN");
  if (!text) return;
  if (read_variable(environment, "LARDER_ADMIN_TOKEN_FILE")) {
    report.error({}, "LARDER_ADMIN_TOKEN and LARDER_ADMIN_TOKEN_FILE are both set");
    return;
  }
  note_given("admin_token_file", {*text});
  Parsed<std::string> token = parse_admin_token(*text);
  if (const auto* refused = std::get_if<Refused>(&token)) {
    report.error({}, "LARDER_ADMIN_TOKEN: " + refused->why);
  } else {
    draft_.settings.admin_token = std::get<std::string>(std::move(token));
  }
}

void SettingsReader::note_given(std::string_view name, const std::vector<std::string>& values) {
  std::string digests;
  for (const std::string& value : values) digests += identity::digest_of({value});
  given_[std::string(name)] = identity::digest_of({digests});
}

/// The secret has no flag, which `ps` would show.
void SettingsReader::read_jwt_environment(const Environment& environment, Report& report) {
  const std::optional<std::string> text = environment("LARDER_JWT_SECRET");
  if (!text || text->empty()) return;
  if (read_variable(environment, "LARDER_JWT_SECRET_FILE")) {
    report.error({}, "LARDER_JWT_SECRET and LARDER_JWT_SECRET_FILE are both set");
    return;
  }
  note_given("jwt.secret", {*text});
  draft_.jwt.is_given = true;
  Parsed<identity::Key> secret = parse_secret(*text);
  if (const auto* refused = std::get_if<Refused>(&secret)) {
    report.error({}, "LARDER_JWT_SECRET: " + refused->why);
  } else {
    draft_.jwt.secret = std::get<identity::Key>(std::move(secret));
  }
}

void SettingsReader::read_redis_environment(const Environment& environment, Report& report) {
  if (const auto text = read_variable(environment, "REDIS_DB")) {
    const Parsed<int> database = parse_redis_database(*text);
    if (const auto* refused = std::get_if<Refused>(&database)) {
      report.error({}, "REDIS_DB: " + refused->why);
    } else {
      redis_database_ = std::get<int>(database);
    }
  }
  redis_username_ = read_variable(environment, "REDIS_USERNAME").value_or("");
  redis_password_ = environment("REDIS_PASSWORD").value_or("");
  if (const auto host = read_variable(environment, "REDIS_HOST")) {
    RedisUrl url;
    url.endpoint = {*host, 6379};
    if (host->find("://") != std::string::npos || host->find('@') != std::string::npos) {
      report.error({}, "REDIS_HOST: a host name or address is expected; a URL goes into REDIS_URL");
    } else if (!is_host(*host)) {
      report.error({}, "REDIS_HOST: " + quote(*host) +
                           " is no host name or address; a port goes into REDIS_PORT");
    }
    // Read only beside a host: Kubernetes sets REDIS_PORT for any service that is named redis.
    if (const auto text = read_variable(environment, "REDIS_PORT")) {
      const Parsed<std::uint16_t> port = parse_redis_port(*text);
      if (const auto* refused = std::get_if<Refused>(&port)) {
        report.error({}, "REDIS_PORT: " + refused->why);
      } else {
        url.endpoint.port = std::get<std::uint16_t>(port);
      }
    }
    note_given("redis", {*host});
    draft_.redis_url = std::move(url);
  }
  // From weak to strong; each is checked.
  for (const char* name : {"REDIS_URL", "LARDER_REDIS"}) {
    const auto text = read_variable(environment, name);
    if (!text) continue;
    note_given("redis", {*text});
    if (const std::optional<WrongValue> wrong =
            find_setting("redis")->access.apply(draft_, {*text})) {
      report.error({}, std::string(name) + ": " + wrong->why);
    }
  }
}

void SettingsReader::read_flags(const Flags& flags, Report& report) {
  for (const auto& [name, given] : flags) {
    std::string flag = "--" + name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    const SettingRow* row = find_setting(name);
    if (!row) {
      std::vector<std::string_view> known;
      for (const SettingRow& one : setting_rows()) known.push_back(one.name);
      report.error({}, flag + ": unknown setting" + policy::suggest_nearest(name, known));
      continue;
    }
    if (given.size() > 1 && !row->is_repeatable) {
      report.error({}, flag + ": given more than once");
      continue;
    }
    std::vector<std::string> values;
    for (const std::string& text : given) {
      for (std::string& value : split(*row, text)) values.push_back(std::move(value));
    }
    if (values.empty()) continue;
    note_given(as_in_file(row->name), values);
    if (const std::optional<WrongValue> wrong = row->access.apply(draft_, values))
      report.error({}, flag + ": " + wrong->why);
  }
}

Settings SettingsReader::finish(std::vector<Finding>& findings) {
  Settings settings = draft_.settings;
  if (draft_.redis_url) {
    const RedisUrl& url = *draft_.redis_url;
    RedisSettings redis = draft_.redis;
    redis.kind = url.kind;
    redis.endpoint = url.endpoint;
    redis.seeds = url.seeds;
    redis.master_name = url.master_name;
    redis.tls.is_on = url.is_encrypted;
    if (!url.ca.empty()) redis.tls.ca = url.ca;
    if (!url.certificate.empty()) redis.tls.certificate = url.certificate;
    if (!url.key.empty()) redis.tls.key = url.key;
    redis.tls.verify = url.verify.value_or(redis.tls.verify);
    const bool is_anonymous = url.username.empty() && url.password.empty();
    redis.username = is_anonymous ? redis_username_ : url.username;
    redis.password = url.password.empty() ? redis_password_ : url.password;
    redis.database = url.database.value_or(redis_database_.value_or(redis.database));
    settings.redis = std::move(redis);
  }
  Report report({}, findings);
  const UpstreamTls& tls = settings.upstream_tls;
  if (tls.certificate.empty() != tls.key.empty()) {
    report.error({},
                 "upstream_certificate and upstream_key belong together: one of them is missing");
  }
  if (settings.redis) check_redis_tls(settings.redis->tls, report);
  Report jwt_report(draft_.jwt.file, findings);
  settings.tokens = make_token_rules(draft_.jwt, jwt_report);
  if (!settings.per_user.by_token) settings.tokens.reset();
  if (settings.memory == 0 && !settings.redis) {
    report.warning({}, "memory is 0 and there is no Redis: nothing will be stored");
  }
  check_listeners(settings, report);
  check_admin(settings, report);
  return settings;
}

void SettingsReader::check_redis_tls(const RedisTls& tls, Report& report) {
  if (tls.certificate.empty() != tls.key.empty())
    report.error({}, "redis_certificate and redis_key belong together: one of them is missing");
  const bool has_settings = !tls.ca.empty() || !tls.certificate.empty() || !tls.verify;
  if (has_settings && !tls.is_on)
    report.warning({},
                   "redis_ca, redis_certificate and redis_verify are for rediss:// alone: this "
                   "Redis is spoken to in the clear");
}

void SettingsReader::check_admin(const Settings& settings, Report& report) {
  if (settings.purge_method && settings.admin_token.empty())
    report.error({},
                 "purge_method: there is no token that clients could show: set "
                 "LARDER_ADMIN_TOKEN or admin_token_file");
}

void SettingsReader::check_listeners(const Settings& settings, Report& report) {
  bool has_https = false;
  bool has_inherited = false;
  for (const ListenAddress& address : settings.listen) {
    has_https = has_https || address.tls;
    has_inherited = has_inherited || address.systemd;
  }
  const bool has_certificate = !settings.tls_certificate.empty();
  const bool has_key = !settings.tls_key.empty();
  if (has_certificate != has_key) {
    report.error({}, has_key ? "tls_key: a tls_certificate is missing beside it"
                             : "tls_certificate: a tls_key is missing beside it");
  } else if (has_https && !has_certificate) {
    report.error({}, "listen: https:// needs tls_certificate and tls_key");
  } else if (!has_certificate && !settings.tls_client_ca.empty()) {
    report.error({}, "tls_client_ca: tls_certificate and tls_key are missing beside it");
  } else if (has_certificate && !has_https && !has_inherited) {
    report.warning({}, "tls_certificate: unused, since no address in listen begins with https://");
  }
  if (settings.proxy_protocol && settings.trusted_proxies.empty())
    report.error({}, "proxy_protocol: without trusted_proxies every connection would be closed");
}

const std::vector<std::string_view>& file_settings() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const SettingRow& row : setting_rows()) {
      if (row.name != "rules" && !row.name.starts_with(jwt_prefix)) all.push_back(row.name);
    }
    all.emplace_back("jwt");
    return all;
  }();
  return names;
}

const std::vector<std::string_view>& jwt_keys() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all{"secret"};
    for (const SettingRow& row : setting_rows()) {
      if (row.name.starts_with(jwt_prefix)) all.push_back(row.name.substr(jwt_prefix.size()));
    }
    return all;
  }();
  return names;
}

}  // namespace larder::config
