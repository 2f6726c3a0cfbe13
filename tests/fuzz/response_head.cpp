// Response heads: cuts change nothing; what is taken can be written anew; Beast, where it takes the
// same head, reads the same.
#include "http/response_head.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "oracle.hpp"

namespace {

using namespace larder;
using fuzz::require;
using http::BodyFraming;
using http::HeadError;
using http::Method;

void check_written_anew(const http::ResponseHead& head, Method method) {
  std::string anew = head.version == http::Version::http_1_1 ? "HTTP/1.1 " : "HTTP/1.0 ";
  anew.append(std::to_string(head.status)).append(" ").append(head.reason).append("\r\n");
  for (const http::FieldLine& line : head.fields)
    anew.append(line.name).append(":").append(line.value).append("\r\n");
  anew.append("\r\n");
  http::HeadLimits limits;
  limits.head_bytes = anew.size();
  limits.fields = head.fields.size();
  require(fuzz::scan(anew + "HTTP/1.1 200 OK\r\n\r\n", {}, limits).end == anew.size(),
          "a head written anew ends where it was ended");
  const fuzz::Exact bytes(anew);
  http::ResponseHead again;
  require(parse_response_head(bytes.view(), limits, method, again) == HeadError::none,
          "a head written anew is taken");
  require(again.status == head.status && again.reason == head.reason, "same status");
  require(again.version == head.version, "same version");
  require(again.framing == head.framing && again.keep_alive == head.keep_alive, "same framing");
  require(fuzz::same_fields(again.fields, head.fields), "same fields");
}

void check_framing(const http::ResponseHead& head, Method method) {
  const bool no_content =
      head.status < 200 || head.status == 204 || head.status == 304 || method == Method::head;
  require(!no_content || head.framing == BodyFraming{}, "no content where there can be none");
  require(no_content || head.framing.kind != BodyFraming::Kind::none, "content where it must be");
  require(head.framing.kind != BodyFraming::Kind::until_close || !head.keep_alive,
          "content until the end is the last");
}

void check_against_beast(std::string_view bytes, const http::ResponseHead& head) {
  namespace beast = boost::beast::http;
  beast::response_parser<beast::buffer_body> parser;
  parser.header_limit(1 << 20);
  parser.body_limit(boost::none);
  boost::system::error_code error;
  const std::size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error && error != beast::error::need_buffer) return;
  if (!parser.is_header_done()) return;
  const auto& message = parser.get();
  require(used == bytes.size(), "Beast's head ends where ours does");
  require(message.result_int() == head.status, "Beast's status");
  require(
      static_cast<std::size_t>(std::distance(message.begin(), message.end())) == head.fields.size(),
      "Beast's count of fields");
  if (head.framing.kind == BodyFraming::Kind::none) return;
  require(parser.chunked() == (head.framing.kind == BodyFraming::Kind::chunked), "Beast's chunked");
  if (head.framing.kind == BodyFraming::Kind::length)
    require(parser.content_length() && *parser.content_length() == head.framing.length,
            "Beast's length");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const http::HeadLimits limits;
  const fuzz::Scan whole = fuzz::scan(input, {}, limits);
  require(fuzz::scan(input, fuzz::cuts_of(input), limits) == whole, "cuts change nothing");
  for (const Method method : {Method::get, Method::head}) {
    http::ResponseHead head;
    if (whole.state == http::HeadScanner::State::complete) {
      const fuzz::Exact bytes(input.substr(0, whole.end));
      if (parse_response_head(bytes.view(), limits, method, head) == HeadError::none) {
        require(head.size == whole.end, "the parser ends where the scanner did");
        check_written_anew(head, method);
        check_framing(head, method);
        if (method == Method::get) check_against_beast(bytes.view(), head);
      }
    }
    const fuzz::Exact raw(input);
    (void)parse_response_head(raw.view(), limits, method, head);
  }
  return 0;
}
