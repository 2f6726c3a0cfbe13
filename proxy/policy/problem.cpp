#include "policy/problem.hpp"

#include <ostream>

#include <boost/beast/http/status.hpp>

namespace larder::policy {

std::string_view reason_phrase(std::uint16_t status) {
  const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  return {text.data(), text.size()};
}

std::string format_problem(std::uint16_t status, std::string_view detail) {
  std::string json = R"({"type":"about:blank","title":")";
  json.append(reason_phrase(status))
      .append(R"(","status":)")
      .append(std::to_string(status))
      .append(R"(,"detail":")");
  for (const char c : detail) {
    if (c == '"' || c == '\\') json += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) json += c;
  }
  return json + "\"}\n";
}

}  // namespace larder::policy
