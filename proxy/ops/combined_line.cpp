#include "ops/combined_line.hpp"

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "policy/cache_status.hpp"

namespace larder::ops {

namespace {

/// As nginx escapes: what could end the string, or is no printable ASCII, as \xHH.
void append_escaped(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
      out += c;
    } else {
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += " \"";
  append_escaped(out, text.empty() ? std::string_view("-") : text);
  out += '"';
}

}  // namespace

void append_combined(const session::ExchangeRecord& record, std::string& line) {
  const http::RequestHead* const request = record.request;
  line += record.peer;
  line += fmt::format(" - - [{:%d/%b/%Y:%H:%M:%S +0000}] \"",
                      fmt::gmtime(std::chrono::system_clock::to_time_t(record.began)));
  if (request) {
    append_escaped(line, record.method);
    line += ' ';
    append_escaped(line, record.path);
    if (!record.query.empty()) {
      line += '?';
      append_escaped(line, record.query);
    }
    line += request->version == http::Version::http_1_0 ? " HTTP/1.0" : " HTTP/1.1";
  } else {
    line += '-';
  }
  line += fmt::format("\" {:03} {}", record.status, record.content_sent);
  append_quoted(line, record.referer);
  append_quoted(line,
                request ? request->fields.first(http::FieldName::user_agent).value_or("") : "");
  line += ' ';
  line += policy::format_cache_result(record.cache.result);
}

}  // namespace larder::ops
