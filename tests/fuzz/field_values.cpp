// Field values: Cache-Control, HTTP-date, Accept, Accept-Language and Accept-Encoding. What is
// written anew from a parsed value is parsed as the same value; more directives never permit more.
#include <algorithm>

#include "http/accept.hpp"
#include "http/accept_language.hpp"
#include "http/cache_control.hpp"
#include "http/content_coding.hpp"
#include "http/date.hpp"
#include "oracle.hpp"

namespace {

using namespace larder;
using fuzz::require;
using http::FieldName;
using http::seconds;

http::Fields lines_of(std::string_view value) {
  http::Fields fields;
  while (true) {
    const std::size_t end = value.find('\n');
    fields.add(FieldName::cache_control, value.substr(0, end));
    if (end == std::string_view::npos) return fields;
    value.remove_prefix(end + 1);
  }
}

class Writer {
 public:
  void flag(bool set, std::string_view name) {
    if (set) text_.append(name).append(", ");
  }
  void number(const std::optional<seconds>& value, std::string_view name) {
    if (value) text_.append(name).append("=").append(std::to_string(value->count())).append(", ");
  }
  void names(const std::vector<std::string>& names, std::string_view name) {
    if (names.empty()) return;
    text_.append(name).append("=\"");
    for (const std::string& field : names) text_.append(field).append(",");
    text_.append("\", ");
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

bool is_no_longer(const std::optional<seconds>& more, const std::optional<seconds>& less) {
  return !less || (more && *more <= *less);
}

void check_response(std::string_view value) {
  const http::ResponseCacheControl parsed = parse_response_cache_control(lines_of(value));
  Writer w;
  w.number(parsed.max_age, "max-age");
  w.number(parsed.s_maxage, "s-maxage");
  w.number(parsed.stale_while_revalidate, "stale-while-revalidate");
  w.number(parsed.stale_if_error, "stale-if-error");
  w.flag(parsed.must_revalidate, "must-revalidate");
  w.flag(parsed.proxy_revalidate, "proxy-revalidate");
  w.flag(parsed.no_cache, "no-cache");
  w.flag(parsed.no_store, "no-store");
  w.flag(parsed.is_private, "private");
  w.flag(parsed.is_public, "public");
  w.flag(parsed.must_understand, "must-understand");
  w.flag(parsed.immutable, "immutable");
  w.flag(parsed.no_transform, "no-transform");
  w.names(parsed.no_cache_fields, "no-cache");
  w.names(parsed.private_fields, "private");
  require(parse_response_cache_control(lines_of(w.text())) == parsed,
          "response directives written anew are the same");

  const std::string longer = std::string(value) + "\nmax-age=7, no-store";
  const http::ResponseCacheControl more = parse_response_cache_control(lines_of(longer));
  require(
      more.no_store && is_no_longer(more.max_age, parsed.max_age) && *more.max_age <= seconds(7),
      "what a line forbids no other line hides");
}

void check_request(std::string_view value) {
  const http::RequestCacheControl parsed = parse_request_cache_control(lines_of(value));
  Writer w;
  w.number(parsed.max_age, "max-age");
  w.number(parsed.min_fresh, "min-fresh");
  w.number(parsed.max_stale, "max-stale");
  w.number(parsed.stale_if_error, "stale-if-error");
  w.flag(parsed.no_cache, "no-cache");
  w.flag(parsed.no_store, "no-store");
  w.flag(parsed.no_transform, "no-transform");
  w.flag(parsed.only_if_cached, "only-if-cached");
  require(parse_request_cache_control(lines_of(w.text())) == parsed,
          "request directives written anew are the same");
}

void check_date(std::string_view text) {
  const http::SystemSeconds now{seconds(1783166400)};
  const fuzz::Exact exact(text);
  const auto time = http::parse_date(exact.view(), now);
  if (!time) return;
  const std::string anew = http::format_date(*time);
  // A leap second on the last day of the year 9999 has no place in four digits.
  if (*time >= http::SystemSeconds{seconds(253402300800)}) return;
  require(anew.size() == 29, "IMF-fixdate has 29 characters");
  require(http::parse_date(anew, now) == time, "a date written anew is the same");
}

void check_accept(std::string_view value) {
  const std::vector<std::string> types = {"application/json", "text/html", "text/csv;a=b"};
  const http::OfferedTypes offered(types);
  const fuzz::Exact exact(value);
  std::string room;
  const std::string normal(http::normalise_accept(exact.view(), offered, room));
  require(!normal.empty(), "there is a class");
  if (normal[0] == '=') {
    require(http::normalise_accept(normal.substr(1), offered, room) == normal,
            "the normal form of an odd value is its own");
    return;
  }
  bool known = normal == "*/*";
  for (const std::string& type : types) known = known || normal == type;
  require(known, "a class is one of few");
}

void check_accept_language(std::string_view value) {
  const std::vector<std::string> offered = {"de", "pt-BR", "zh-hant-tw"};
  const fuzz::Exact exact(value);
  std::string room;
  const auto chosen = http::normalise_accept_language(exact.view(), offered, room);
  require(!chosen || std::count(offered.begin(), offered.end(), *chosen) == 1,
          "what is chosen is on offer");
  require(!chosen || http::normalise_accept_language(*chosen, offered, room) == chosen,
          "who asks for what was chosen gets it");
  const auto normal = http::normalise_accept_language(exact.view(), {}, room);
  std::string other_room;
  require(!normal || http::normalise_accept_language(*normal, {}, other_room) == normal,
          "the normal form is its own");
}

void check_accept_encoding(std::string_view value) {
  const fuzz::Exact exact(value);
  const http::AcceptEncoding parsed(exact.view());
  const std::string_view normal = parsed.normal_form();
  require(normal == "gzip" || normal == "identity", "a class is one of two");
  require(normal != "gzip" || parsed.accepts("gzip"), "what is preferred is acceptable");
  require(http::AcceptEncoding(normal).normal_form() == normal, "the normal form is its own");
  const std::string forbidding = std::string(value) + ",gzip;q=0";
  require(!http::AcceptEncoding(forbidding).accepts("gzip"), "what is forbidden stays forbidden");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Exact input(std::string_view(reinterpret_cast<const char*>(data), size));
  check_response(input.view());
  check_request(input.view());
  check_date(input.view());
  check_accept(input.view());
  check_accept_language(input.view());
  check_accept_encoding(input.view());
  return 0;
}
