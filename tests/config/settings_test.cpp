// Settings: which source wins, what each may say, and that no password is ever repeated.
#include "config/settings.hpp"

#include <doctest/doctest.h>

#include "files.hpp"

using namespace larder;
using namespace larder::config;
using namespace std::chrono_literals;
using test::describe;
using test::load_text;

TEST_CASE("a flag beats the environment, the environment beats the file") {
  const std::string file = "settings:\n  memory: 1MiB\n";
  const test::Variables variables{{"LARDER_MEMORY", "2MiB"}};
  const Flags flags{{"memory", {"3MiB"}}};
  CHECK(load_text("").config.settings.memory == 64 << 20);
  CHECK(load_text(file).config.settings.memory == 1 << 20);
  CHECK(load_text(file, variables).config.settings.memory == 2 << 20);
  CHECK(load_text(file, variables, flags).config.settings.memory == 3 << 20);
  CHECK(load_text(file, {}, flags).config.settings.memory == 3 << 20);
  CHECK(load_text(file, {{"LARDER_MEMORY", ""}}).config.settings.memory == 1 << 20);
}

TEST_CASE("every setting from a file") {
  const LoadResult result = load_text(R"(settings:
  listen: ["0.0.0.0:80", "https://[::]:443"]
  listen_mode: "0600"
  tls_certificate: /etc/larder/cert.pem
  tls_key: /etc/larder/key.pem
  tls_client_ca: /etc/larder/ca.pem
  proxy_protocol: true
  upstream: [http://backend:8001, "https://other", "unix:/run/gunicorn.sock"]
  upstream_ca: /etc/ca.pem
  upstream_verify: no
  upstream_server_name: backend.example
  upstream_certificate: /etc/own.pem
  upstream_key: /etc/own.key
  health_check: /healthz?full=1
  health_check_host: resumate.example
  health_check_interval: 9s
  health_check_timeout: 10s
  health_check_failures: 4
  health_check_successes: 5
  slow_start: 0
  admin: off
  redis: redis://user:secret@redis:7000/3
  redis_timeout: 20ms
  redis_connect_timeout: 1s
  fill_lock: 0
  lease: 0
  settle: 2s
  heartbeat: 2s
  memory: 0
  object_limit: 1m
  threads: 3
  session_cookies: [sid, token]
  trusted_proxies: 10.0.0.0/8,192.0.2.1
  head_limit: 16KiB
  target_limit: 4KiB
  field_limit: 50
  connection_limit: 5
  connections_per_address: 6
  request_limit: 7
  requests_per_connection: 8
  body_limit: 10MiB
  minimum_rate: 1KiB
  rate_grace: 5s
  head_timeout: 1s
  idle_timeout: 2s
  client_timeout: 3s
  resolve_interval: 12s
  connect_timeout: 4s
  first_byte_timeout: 5s
  between_bytes_timeout: 0
  response_timeout: 0
  origin_idle_timeout: 6s
  origin_idle_limit: 7
  origin_limit: 8
  origin_queue: 9
  origin_queue_timeout: 11s
  drain_timeout: 8s
  log_format: json
  log_level: debug
  access_log: no
)");
  CHECK(describe(result) == "");
  const Settings& read = result.config.settings;
  const ListenAddress everywhere{.endpoint = {"0.0.0.0", 80}};
  const ListenAddress encrypted{.endpoint = {"::", 443}, .tls = true};
  CHECK(read.listen == std::vector<ListenAddress>{everywhere, encrypted});
  CHECK(read.listen_mode == 0600);
  CHECK(read.tls_certificate == "/etc/larder/cert.pem");
  CHECK(read.tls_key == "/etc/larder/key.pem");
  CHECK(read.tls_client_ca == "/etc/larder/ca.pem");
  CHECK(read.proxy_protocol);
  CHECK(read.connections_per_address == 6);
  CHECK(read.request_limit == 7);
  CHECK(read.requests_per_connection == 8);
  CHECK(read.body_limit == 10 << 20);
  CHECK(read.minimum_rate == 1 << 10);
  CHECK(read.rate_grace == 5s);
  CHECK(read.upstreams ==
        std::vector<Upstream>{{{"backend", 8001}},
                              {{"other", 443}, true},
                              {{.host = {}, .port = 0, .path = "/run/gunicorn.sock"}}});
  CHECK(read.upstream_tls.ca == "/etc/ca.pem");
  CHECK_FALSE(read.upstream_tls.verify);
  CHECK(read.upstream_tls.server_name == "backend.example");
  CHECK(read.upstream_tls.certificate == "/etc/own.pem");
  CHECK(read.upstream_tls.key == "/etc/own.key");
  CHECK(read.health_check.path == "/healthz?full=1");
  CHECK(read.health_check.host == "resumate.example");
  CHECK(read.health_check.interval == 9s);
  CHECK(read.health_check.timeout == 10s);
  CHECK(read.health_check.failures == 4);
  CHECK(read.health_check.successes == 5);
  CHECK(read.slow_start == 0ms);
  CHECK(read.resolve_interval == 12s);
  CHECK(read.response_timeout == 0ms);
  CHECK(read.origin_limit == 8);
  CHECK(read.origin_queue == 9);
  CHECK(read.origin_queue_timeout == 11s);
  CHECK_FALSE(read.admin);
  REQUIRE(read.redis);
  CHECK(read.redis->endpoint == Endpoint{"redis", 7000});
  CHECK(read.redis->username == "user");
  CHECK(read.redis->password == "secret");
  CHECK(read.redis->database == 3);
  CHECK(read.redis->timeout == 20ms);
  CHECK(read.redis->connect_timeout == 1s);
  CHECK(read.redis->fill_lock == 0ms);
  CHECK(read.lease == 0ms);
  CHECK(read.settle == 2s);
  CHECK(read.redis->heartbeat == 2s);
  CHECK(read.memory == 0);
  CHECK(read.object_limit == 1 << 20);
  CHECK(read.threads == 3);
  CHECK(read.session_cookies == std::vector<std::string>{"sid", "token"});
  CHECK(read.trusted_proxies == std::vector<std::string>{"10.0.0.0/8", "192.0.2.1/32"});
  CHECK(read.head_limit == 16 << 10);
  CHECK(read.target_limit == 4 << 10);
  CHECK(read.field_limit == 50);
  CHECK(read.connection_limit == 5);
  CHECK(read.head_timeout == 1s);
  CHECK(read.idle_timeout == 2s);
  CHECK(read.client_timeout == 3s);
  CHECK(read.connect_timeout == 4s);
  CHECK(read.first_byte_timeout == 5s);
  CHECK(read.between_bytes_timeout == 0ms);
  CHECK(read.origin_idle_timeout == 6s);
  CHECK(read.origin_idle_limit == 7);
  CHECK(read.drain_timeout == 8s);
  CHECK(read.log_format == LogFormat::json);
  CHECK(read.log_level == LogLevel::debug);
  CHECK_FALSE(read.access_log);
}

TEST_CASE("every setting takes its own default from the file, a variable and a flag") {
  for (const SettingInfo& info : settings_table()) {
    if (info.name == "rules") continue;
    const std::string name(info.name);
    CAPTURE(name);
    const std::string value = default_value(info.name);
    REQUIRE_FALSE(value.empty());
    const bool is_of_jwt = name.starts_with(jwt_prefix);
    std::string file = "settings:\n  ";
    file += is_of_jwt ? "jwt:\n    " + name.substr(jwt_prefix.size()) : name;
    file += ": '" + value + "'\n";
    CHECK(describe(load_text(file)) == "");
    CHECK(describe(load_text("", {{std::string(info.environment), value}})) == "");
    CHECK(describe(load_text("", {}, {{name, {value}}})) == "");
    CHECK(info.help.ends_with(" (default " + value + ")."));
    // And each source really reads it: nonsense is refused, by the name the user knows.
    const std::string nonsense = "\x01 ,";
    CHECK(describe(load_text("", {{std::string(info.environment), nonsense}}))
              .starts_with("error: " + std::string(info.environment) + ": "));
    std::string flag = "--" + name;
    for (char& letter : flag) letter = letter == '_' ? '-' : letter;
    CHECK(describe(load_text("", {}, {{name, {nonsense}}})).starts_with("error: " + flag + ": "));
  }
}

TEST_CASE("lists: commas, repeated flags, off") {
  const auto listen = [](const Flags& flags) {
    return load_text("", {}, flags).config.settings.listen;
  };
  const std::vector<ListenAddress> both{{.endpoint = {"1.2.3.4", 80}}, {.endpoint = {"::1", 81}}};
  CHECK(listen({{"listen", {"1.2.3.4:80", "[::1]:81"}}}) == both);
  CHECK(listen({{"listen", {"1.2.3.4:80, [::1]:81"}}}) == both);
  CHECK(load_text("", {{"LARDER_LISTEN", "1.2.3.4:80,[::1]:81"}}).config.settings.listen == both);
  CHECK(load_text("", {{"LARDER_SESSION_COOKIES", "off"}}).config.settings.session_cookies.empty());
  CHECK(load_text("settings:\n  trusted_proxies: []\n").config.settings.trusted_proxies.empty());
  CHECK(load_text("settings:\n  trusted_proxies: off\n").config.settings.trusted_proxies.empty());
  CHECK_FALSE(load_text("settings:\n  listen: []\n").ok());
  CHECK_FALSE(load_text("settings:\n  listen: 'a:1,,b:2'\n").ok());
  CHECK_FALSE(load_text("", {}, {{"memory", {"1m", "2m"}}}).ok());
}

TEST_CASE("a value that is empty once expanded is not set") {
  const LoadResult result =
      load_text("settings:\n  redis: ${REDIS:-}\n  memory: '${MEMORY:-}'\n  listen: ['']\n");
  CHECK(describe(result) == "");
  CHECK_FALSE(result.config.settings.redis);
  CHECK(result.config.settings.memory == 64 << 20);
  CHECK(result.config.settings.listen == Settings().listen);
}

TEST_CASE("what listeners need beside them") {
  struct Case {
    const char* name;
    std::string settings;
    std::string finding;
  };
  const Case cases[] = {
      {"TLS with both files", "listen: https://:443\n  tls_certificate: c\n  tls_key: k\n", ""},
      {"TLS without files", "listen: https://:443\n",
       "error: listen: https:// needs tls_certificate and tls_key\n"},
      {"a certificate without its key", "listen: https://:443\n  tls_certificate: c\n",
       "error: tls_certificate: a tls_key is missing beside it\n"},
      {"a key without its certificate", "tls_key: k\n",
       "error: tls_key: a tls_certificate is missing beside it\n"},
      {"a client CA alone", "tls_client_ca: a\n",
       "error: tls_client_ca: tls_certificate and tls_key are missing beside it\n"},
      {"a certificate that nobody is shown", "tls_certificate: c\n  tls_key: k\n",
       "warning: tls_certificate: unused, since no address in listen begins with https://\n"},
      {"sockets of systemd may be named https",
       "listen: systemd\n  tls_certificate: c\n  tls_key: k\n", ""},
      {"PROXY headers from nobody", "proxy_protocol: true\n  trusted_proxies: off\n",
       "error: proxy_protocol: without trusted_proxies every connection would be closed\n"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(describe(load_text("settings:\n  " + c.settings)) == c.finding);
  }
}

TEST_CASE("Redis: off by default, on by a URL or a host") {
  struct Case {
    std::string name;
    test::Variables variables;
    std::string file_url;
    std::vector<std::string> flag;
    std::string expected;  // "host:port/database user password", empty for off
  };
  const Case cases[] = {
      {"nothing", {}, "", {}, ""},
      {"empty variables", {{"REDIS_URL", ""}, {"REDIS_HOST", ""}}, "", {}, ""},
      {"a port alone, as Kubernetes sets it", {{"REDIS_PORT", "tcp://10.0.0.1:6379"}}, "", {}, ""},
      {"a password alone", {{"REDIS_PASSWORD", "p"}}, "", {}, ""},
      {"a host", {{"REDIS_HOST", "redis"}}, "", {}, "redis:6379/1  "},
      {"an IPv6 host", {{"REDIS_HOST", "::1"}}, "", {}, "[::1]:6379/1  "},
      {"a host and the rest",
       {{"REDIS_HOST", "redis"},
        {"REDIS_PORT", "7000"},
        {"REDIS_DB", "0"},
        {"REDIS_PASSWORD", "p"},
        {"REDIS_USERNAME", "u"}},
       "",
       {},
       "redis:7000/0 u p"},
      {"a host beside Kubernetes' port",
       {{"REDIS_HOST", "redis"}, {"REDIS_PORT", "tcp://10.0.0.1:7000"}},
       "",
       {},
       "redis:7000/1  "},
      {"a URL without database", {{"REDIS_URL", "redis://redis"}}, "", {}, "redis:6379/1  "},
      {"a URL with everything",
       {{"REDIS_URL", "redis://u:p@redis:7000/2"}, {"REDIS_DB", "3"}, {"REDIS_PASSWORD", "q"}},
       "",
       {},
       "redis:7000/2 u p"},
      {"what a URL leaves out",
       {{"REDIS_URL", "redis://redis"}, {"REDIS_DB", "3"}, {"REDIS_PASSWORD", "q"}},
       "",
       {},
       "redis:6379/3  q"},
      {"a user's password from its variable",
       {{"REDIS_URL", "redis://u@redis"}, {"REDIS_USERNAME", "v"}, {"REDIS_PASSWORD", "q"}},
       "",
       {},
       "redis:6379/1 u q"},
      {"a URL's password is not for another user",
       {{"REDIS_URL", "redis://:p@redis"}, {"REDIS_USERNAME", "v"}},
       "",
       {},
       "redis:6379/1  p"},
      {"a URL beats a host",
       {{"REDIS_URL", "redis://url"}, {"REDIS_HOST", "host"}, {"REDIS_PORT", "7000"}},
       "",
       {},
       "url:6379/1  "},
      {"LARDER_REDIS beats both",
       {{"LARDER_REDIS", "redis://larder"}, {"REDIS_URL", "redis://url"}},
       "",
       {},
       "larder:6379/1  "},
      {"LARDER_REDIS switches off", {{"LARDER_REDIS", "off"}, {"REDIS_HOST", "host"}}, "", {}, ""},
      {"the file", {}, "redis://file/5", {}, "file:6379/5  "},
      {"a host beats the file", {{"REDIS_HOST", "host"}}, "redis://file/5", {}, "host:6379/1  "},
      {"the flag beats all",
       {{"REDIS_HOST", "host"}},
       "redis://file/5",
       {"redis://flag"},
       "flag:6379/1  "},
      {"the flag switches off", {{"REDIS_HOST", "host"}}, "redis://file/5", {"off"}, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::string file = c.file_url.empty() ? "" : "settings:\n  redis: " + c.file_url + "\n";
    const Flags flags = c.flag.empty() ? Flags{} : Flags{{"redis", c.flag}};
    const LoadResult result = load_text(file, c.variables, flags);
    CHECK(describe(result) == "");
    const std::optional<RedisSettings>& redis = result.config.settings.redis;
    const std::string found = redis ? format_endpoint(redis->endpoint) + "/" +
                                          std::to_string(redis->database) + " " + redis->username +
                                          " " + redis->password
                                    : "";
    CHECK(found == c.expected);
  }
}

TEST_CASE("Redis deadlines hold whichever source switches it on") {
  const LoadResult result =
      load_text("settings:\n  redis_timeout: 7ms\n", {{"REDIS_HOST", "redis"}},
                {{"redis_connect_timeout", {"9ms"}}});
  REQUIRE(result.config.settings.redis);
  CHECK(result.config.settings.redis->timeout == 7ms);
  CHECK(result.config.settings.redis->connect_timeout == 9ms);
}

TEST_CASE("mistakes in the environment and in flags are named") {
  struct Case {
    test::Variables variables;
    Flags flags;
    std::string expected;
  };
  const Case cases[] = {
      {{{"LARDER_MEMORY", "much"}},
       {},
       "error: LARDER_MEMORY: 'much' is no size; write bytes or 512KiB, 64MiB, 1GiB\n"},
      {{},
       {{"head_timeout", {"10"}}},
       "error: --head-timeout: '10' has no unit; write 10s for seconds, or 5m, 1h, 1d\n"},
      {{}, {{"memroy", {"1"}}}, "error: --memroy: unknown setting (did you mean 'memory'?)\n"},
      {{}, {{"threads", {"1", "2"}}}, "error: --threads: given more than once\n"},
      {{{"REDIS_DB", "one"}}, {}, "error: REDIS_DB: 'one' is no whole number from 0 to 65535\n"},
      {{{"REDIS_HOST", "h"}, {"REDIS_PORT", "x"}},
       {},
       "error: REDIS_PORT: 'x' is no port: a number from 1 to 65535\n"},
      {{{"REDIS_HOST", "h:6379"}},
       {},
       "error: REDIS_HOST: 'h:6379' is no host name or address; a port goes into REDIS_PORT\n"},
      {{{"REDIS_HOST", "redis://:hunter2@h"}},
       {},
       "error: REDIS_HOST: a host name or address is expected; a URL goes into REDIS_URL\n"},
      {{{"LARDER_MEMORY", "0"}},
       {},
       "warning: memory is 0 and there is no Redis: nothing will be stored\n"},
  };
  for (const Case& c : cases) CHECK(describe(load_text("", c.variables, c.flags)) == c.expected);
}

TEST_CASE("a weaker source is checked though a stronger one wins") {
  CHECK_FALSE(load_text("settings:\n  memory: much\n", {}, {{"memory", {"1MiB"}}}).ok());
  CHECK_FALSE(load_text("", {{"REDIS_URL", "nonsense"}}, {{"redis", {"off"}}}).ok());
}

TEST_CASE("no password in a finding, whatever is wrong") {
  for (const std::string url : {"redis://:hunter2@h:x", "rediss://:hunter2@h/x", "hunter2",
                                "redis:hunter2@h", "redis://:hunter2@", "redis://:hunter2@h/db",
                                "redis://:hunter2@h?a", "redis://u:hunter%zz2@h", "://hunter2@"}) {
    CAPTURE(url);
    for (const std::string& shown : {describe(load_text("settings:\n  redis: '" + url + "'\n")),
                                     describe(load_text("settings:\n  redis: ['" + url + "']\n")),
                                     describe(load_text("", {{"REDIS_URL", url}})),
                                     describe(load_text("", {{"LARDER_REDIS", url}})),
                                     describe(load_text("", {}, {{"redis", {url}}}))}) {
      CHECK(shown.find("error: ") != std::string::npos);
      CHECK(shown.find("hunter") == std::string::npos);
    }
  }
}

TEST_CASE("jwt: from a file") {
  const test::Folder folder;
  const std::string secret = folder.write("secret", "in a file\r\n");
  const LoadResult result = load_text("settings:\n  jwt:\n    secret_file: " + secret + R"(
    algorithms: [HS512, HS256]
    claim: sub
    audience: [api, app]
    issuer: https://issuer
    token_types: off
    leeway: 5s
)");
  CHECK(describe(result) == "");
  REQUIRE(result.config.settings.tokens);
  const identity::TokenRules& tokens = *result.config.settings.tokens;
  REQUIRE(tokens.keys.size() == 1);
  CHECK(tokens.keys.front().secret == "in a file");
  CHECK(tokens.algorithms == std::vector{identity::Algorithm::hs512, identity::Algorithm::hs256});
  CHECK(tokens.claim == "sub");
  CHECK(tokens.audiences == std::vector<std::string>{"api", "app"});
  CHECK(tokens.issuer == "https://issuer");
  CHECK(tokens.token_types.empty());
  CHECK(tokens.leeway == 5s);
}

TEST_CASE("jwt: which secret holds") {
  const test::Folder folder;
  const std::string file = folder.write("secret", " of a file \n");
  const auto secret = [](std::string_view text, const test::Variables& variables,
                         const Flags& flags = {}) {
    const LoadResult result = load_text(text, variables, flags);
    CHECK(describe(result) == "");
    const auto& tokens = result.config.settings.tokens;
    return tokens ? tokens->keys.front().secret : std::string("none");
  };
  const std::string own = "settings:\n  jwt: {secret: own}\n";
  CHECK(secret("", {}) == "none");
  CHECK(secret(own, {}) == "own");
  CHECK(secret(own, {{"LARDER_JWT_SECRET", ""}}) == "own");
  CHECK(secret(own, {{"LARDER_JWT_SECRET", " env "}}) == " env ");
  CHECK(secret("", {{"LARDER_JWT_SECRET", "env"}}) == "env");
  CHECK(secret(own, {{"LARDER_JWT_SECRET_FILE", file}}) == " of a file ");
  CHECK(secret(own, {{"LARDER_JWT_SECRET", "env"}}, {{"jwt_secret_file", {file}}}) ==
        " of a file ");
  CHECK(secret("settings:\n  jwt: {secret: '${S}'}\n", {{"S", "a: b # c"}}) == "a: b # c");
  CHECK(secret("settings:\n  jwt: {secret: '${S:-}'}\n", {}) == "none");
  CHECK(secret("settings:\n  jwt: {secret: own}\n  per_user: session\n", {}) == "none");
  CHECK(describe(load_text("", {{"LARDER_JWT_SECRET", "env"}, {"LARDER_JWT_SECRET_FILE", file}})) ==
        "error: LARDER_JWT_SECRET and LARDER_JWT_SECRET_FILE are both set\n");
}

TEST_CASE("per_user: what says who asks") {
  const auto read = [](const std::string& words) {
    const PerUser per_user =
        load_text("settings:\n  per_user: " + words + "\n").config.settings.per_user;
    return std::pair(per_user.by_token, per_user.by_session);
  };
  CHECK(read("''") == std::pair(true, false));
  CHECK(read("token") == std::pair(true, false));
  CHECK(read("session") == std::pair(false, true));
  CHECK(read("[session, token]") == std::pair(true, true));
}

TEST_CASE("jwt: no secret in a finding, whatever is wrong") {
  const test::Folder folder;
  const std::string file = folder.write("hunter2", "hunter2");
  for (const std::string jwt :
       {"hunter2", "[hunter2]", "{secret: [hunter2]}", "{secret: {hunter2: 1}}",
        "{secret: '-----BEGIN hunter2'}", "{secret_file: hunter2}", "{public_key: hunter2}",
        "{jwks: hunter2}", "{secret: hunter2, algorithms: RS256}",
        "{secret: hunter2, secret_file: hunter2}", "{secret: hunter2, leeway: x}"}) {
    CAPTURE(jwt);
    const std::string shown = describe(load_text("settings:\n  jwt: " + jwt + "\n"));
    CHECK(shown.find("error: ") != std::string::npos);
    CHECK(shown.find("hunter") == std::string::npos);
  }
  for (const char* name : {"PUBLIC_KEY", "JWKS"}) {
    const std::string shown = describe(load_text("", {{std::string("LARDER_JWT_") + name, file}}));
    CAPTURE(shown);
    CHECK(shown.starts_with(std::string("error: LARDER_JWT_") + name));
    CHECK(shown.find("hunter") == std::string::npos);
  }
  for (const SettingInfo& info : settings_table()) CHECK(info.name != "jwt_secret");
}
