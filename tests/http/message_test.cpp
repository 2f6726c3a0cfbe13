#include "http/message.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

TEST_CASE("Fields finds, counts and combines lines (9110 5.3)") {
  Fields fields;
  CHECK(fields.size() == 0);
  CHECK(!fields.first(FieldName::vary));
  CHECK(!fields.combined("x-a"));
  fields.add(FieldName::vary, "Accept");
  fields.add({FieldName::unknown, "X-A", "1"});
  fields.add(FieldName::vary, "Cookie");
  fields.add({FieldName::unknown, "x-a", ""});
  CHECK(fields.size() == 4);
  CHECK(fields.begin()->name == "Vary");
  CHECK(fields.has(FieldName::vary));
  CHECK(!fields.has(FieldName::age));
  CHECK(fields.count(FieldName::vary) == 2);
  CHECK(fields.first(FieldName::vary) == "Accept");
  CHECK(fields.first("x-a") == "1");
  CHECK(fields.first("VARY") == "Accept");
  CHECK(!fields.first("x-b"));
  CHECK(fields.combined(FieldName::vary) == "Accept, Cookie");
  CHECK(fields.combined("X-a") == "1, ");
  fields.clear();
  CHECK(fields.size() == 0);
}

TEST_CASE("methods: safe and idempotent (9110 9.2)") {
  struct Case {
    Method method;
    std::string_view text;
    bool safe;
    bool idempotent;
  };
  const Case cases[] = {
      {Method::get, "GET", true, true},           {Method::head, "HEAD", true, true},
      {Method::options, "OPTIONS", true, true},   {Method::trace, "TRACE", true, true},
      {Method::connect, "CONNECT", false, false}, {Method::post, "POST", false, false},
      {Method::put, "PUT", false, true},          {Method::patch, "PATCH", false, false},
      {Method::del, "DELETE", false, true},       {Method::other, "QUERY", true, true},
      {Method::other, "PROPFIND", true, true},    {Method::other, "REPORT", true, true},
      {Method::other, "SEARCH", true, true},      {Method::other, "query", false, false},
      {Method::other, "PURGE", false, false},     {Method::other, "get", false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(is_safe(c.method, c.text) == c.safe);
    CHECK(is_idempotent(c.method, c.text) == c.idempotent);
  }
}

TEST_CASE("has_token looks for a whole member, without case") {
  CHECK(has_token("close", "close"));
  CHECK(has_token("Keep-Alive, CLOSE", "close"));
  CHECK(has_token(" \tclose\t ,x", "close"));
  CHECK(has_token(",,close", "close"));
  CHECK(!has_token("closed", "close"));
  CHECK(!has_token("x close", "close"));
  CHECK(!has_token("", "close"));
}

TEST_CASE("equals_ignoring_case knows ASCII letters only") {
  CHECK(equals_ignoring_case("", ""));
  CHECK(equals_ignoring_case("aBc", "AbC"));
  CHECK(!equals_ignoring_case("abc", "ab"));
  CHECK(!equals_ignoring_case("@", "`"));
  CHECK(!equals_ignoring_case("[", "{"));
  CHECK(!equals_ignoring_case("\r", "-"));
  CHECK(!equals_ignoring_case("\xc4", "\xe4"));
}

TEST_CASE("is_token (9110 5.6.2)") {
  CHECK(is_token("!#$%&'*+-.^_`|~09azAZ"));
  CHECK(!is_token(""));
  for (const char c : std::string_view("\"(),/:;<=>?@[\\]{} \t\r\n\x7f\x80\xff\0", 25)) {
    CAPTURE(c);
    CHECK(!is_token(std::string("a") + c));
  }
}

TEST_CASE("is_hop_by_hop (9110 7.6.1)") {
  struct Case {
    std::string_view name;
    FieldLine line;
    std::vector<std::string_view> connection;
    bool dropped;
  };
  const auto known = [](FieldName id) { return FieldLine{id, format_field_name(id), "v"}; };
  const auto unknown = [](std::string_view name) {
    return FieldLine{FieldName::unknown, name, "v"};
  };
  const Case cases[] = {
      {"Connection always", known(FieldName::connection), {}, true},
      {"Keep-Alive always", known(FieldName::keep_alive), {}, true},
      {"Proxy-Connection always", known(FieldName::proxy_connection), {}, true},
      {"Proxy-Authorization always", known(FieldName::proxy_authorization), {}, true},
      {"Proxy-Authenticate always", known(FieldName::proxy_authenticate), {}, true},
      {"Proxy-Authentication-Info always", unknown("proxy-authentication-info"), {}, true},
      {"TE always", known(FieldName::te), {}, true},
      {"Transfer-Encoding always", known(FieldName::transfer_encoding), {}, true},
      {"Upgrade always", known(FieldName::upgrade), {}, true},
      {"Accept never by itself", known(FieldName::accept), {}, false},
      {"Accept when named", known(FieldName::accept), {"accept"}, true},
      {"an unknown name when named, without case", unknown("X-Hop"), {"close, x-hop"}, true},
      {"also by a second line", unknown("X-Hop"), {"close", "X-HOP"}, true},
      {"not by a part of its name", unknown("X-Hop"), {"x-ho, hop, x-hop2"}, false},
      {"Host never", known(FieldName::host), {"host"}, false},
      {"Content-Length never", known(FieldName::content_length), {"content-length"}, false},
      {"Content-Type never", known(FieldName::content_type), {"content-type"}, false},
      {"Cache-Control never", known(FieldName::cache_control), {"cache-control"}, false},
      {"Authorization never", known(FieldName::authorization), {"authorization"}, false},
      {"Cookie never", known(FieldName::cookie), {"cookie"}, false},
      {"Set-Cookie never", known(FieldName::set_cookie), {"set-cookie"}, false},
      {"Vary never", known(FieldName::vary), {"vary"}, false},
      {"X-Forwarded-For never", known(FieldName::x_forwarded_for), {"x-forwarded-for"}, false},
      {"X-Forwarded-Host never", known(FieldName::x_forwarded_host), {"x-forwarded-host"}, false},
      {"X-Forwarded-Proto never",
       known(FieldName::x_forwarded_proto),
       {"x-forwarded-proto"},
       false},
      {"X-Forwarded-Port, unknown, never",
       unknown("x-forwarded-port"),
       {"X-Forwarded-Port"},
       false},
      {"Forwarded never", known(FieldName::forwarded), {"forwarded"}, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fields fields;
    for (const std::string_view value : c.connection) fields.add(FieldName::connection, value);
    fields.add(c.line);
    CHECK(is_hop_by_hop(c.line, fields) == c.dropped);
  }
}

}  // namespace
}  // namespace larder::http
