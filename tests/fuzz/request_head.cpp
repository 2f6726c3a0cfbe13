// Request heads: the verdict does not depend on how a head is cut; what is taken can be written
// anew and is read as the same single request; and where Beast takes it too, it reads the same.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "oracle.hpp"

namespace {

using namespace larder;
using fuzz::require;
using http::BodyFraming;
using http::FieldName;
using http::HeadError;

/// As Larder writes a request: origin-form, Host first, framing from parsed values, the rest as it
/// came.
std::string write_anew(const http::RequestHead& head) {
  std::string text(head.method_text);
  text.append(" ").append(head.path);
  if (head.query) text.append("?").append(*head.query);
  text.append(head.version == http::Version::http_1_1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  if (!head.host.empty()) text.append("Host: ").append(head.host).append("\r\n");
  for (const http::FieldLine& line : head.fields) {
    if (line.id == FieldName::host || line.id == FieldName::content_length ||
        line.id == FieldName::transfer_encoding)
      continue;
    text.append(line.name).append(": ").append(line.value).append("\r\n");
  }
  if (head.framing.kind == BodyFraming::Kind::chunked)
    text.append("Transfer-Encoding: chunked\r\n");
  if (head.framing.kind == BodyFraming::Kind::length)
    text.append("Content-Length: ").append(std::to_string(head.framing.length)).append("\r\n");
  return text.append("\r\n");
}

void check_written_anew(const http::RequestHead& head) {
  const std::string anew = write_anew(head);
  http::HeadLimits limits;
  limits.head_bytes = anew.size();
  limits.fields = head.fields.size() + 1;
  limits.target_bytes = anew.size();
  const fuzz::Scan scan = fuzz::scan(anew + "GET /behind HTTP/1.1\r\nHost: b\r\n\r\n", {}, limits);
  require(scan.end == anew.size(), "a head written anew ends where it was ended");
  const fuzz::Exact bytes(anew);
  http::RequestHead again;
  require(parse_request_head(bytes.view(), limits, again) == HeadError::none,
          "a head written anew is taken");
  require(again.method == head.method && again.method_text == head.method_text, "same method");
  require(again.path == head.path && again.query == head.query, "same target");
  require(again.host == head.host, "same host");
  require(again.version == head.version, "same version");
  require(again.framing == head.framing, "same framing");
  require(again.keep_alive == head.keep_alive, "same wish to be kept");
  require(again.expects_continue == head.expects_continue, "same expectation");
  require(write_anew(again) == anew, "writing anew is stable");
}

void check_against_beast(std::string_view bytes, const http::RequestHead& head) {
  namespace beast = boost::beast::http;
  while (bytes.substr(0, 2) == "\r\n") bytes.remove_prefix(2);
  beast::request_parser<beast::buffer_body> parser;
  parser.header_limit(1 << 20);
  parser.body_limit(boost::none);
  boost::system::error_code error;
  std::size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error && error != beast::error::need_buffer) return;
  if (!parser.is_header_done()) return;
  const auto& message = parser.get();
  require(used == bytes.size(), "Beast's head ends where ours does");
  require(std::string_view(message.method_string()) == head.method_text, "Beast's method");
  const std::string_view target(message.target());
  std::string ours(head.path);
  if (head.query) ours.append("?").append(*head.query);
  if (head.form == http::TargetForm::origin) require(target == ours, "Beast's target");
  require(
      static_cast<std::size_t>(std::distance(message.begin(), message.end())) == head.fields.size(),
      "Beast's count of fields");
  for (const http::FieldLine& line : head.fields)
    require(message.count(line.name) != 0, "Beast's names");
  require(parser.chunked() == (head.framing.kind == BodyFraming::Kind::chunked), "Beast's chunked");
  const auto length = parser.content_length();
  require(length.has_value() == (head.framing.kind == BodyFraming::Kind::length),
          "Beast has a length where we have");
  if (length) require(*length == head.framing.length, "Beast's length");
}

/// What is read as it arrives is what is scanned and then parsed.
void check_read_at_once(std::string_view input, const fuzz::Scan& scanned,
                        const http::HeadLimits& limits) {
  const fuzz::Exact bytes(input);
  http::HeadScanner scanner;
  http::RequestHead read;
  HeadError error = HeadError::none;
  const auto state = http::read_request_head(bytes.view(), limits, scanner, read, error);
  if (scanned.state != http::HeadScanner::State::complete)
    return require(state == scanned.state && error == scanned.error, "the scanner's verdict");
  http::RequestHead parsed;
  const HeadError expected =
      parse_request_head(bytes.view().substr(0, scanned.end), limits, parsed);
  require(error == expected, "the parser's verdict");
  if (expected != HeadError::none) return;
  require(read.size == parsed.size && read.method_text == parsed.method_text &&
              read.path == parsed.path && read.query == parsed.query && read.host == parsed.host &&
              read.framing == parsed.framing && fuzz::same_fields(read.fields, parsed.fields),
          "the same head");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const http::HeadLimits& limits :
       {http::HeadLimits{}, http::HeadLimits{.head_bytes = 64, .fields = 2, .target_bytes = 8}}) {
    const fuzz::Scan whole = fuzz::scan(input, {}, limits);
    require(fuzz::scan(input, fuzz::cuts_of(input), limits) == whole, "cuts change nothing");
    check_read_at_once(input, whole, limits);
    if (whole.state != http::HeadScanner::State::complete) continue;
    require(whole.end <= limits.head_bytes, "a head is within its limit");
    const fuzz::Exact bytes(input.substr(0, whole.end));
    http::RequestHead head;
    const HeadError error = parse_request_head(bytes.view(), limits, head);
    require(!describe(error).empty(), "every error has its sentence");
    if (error != HeadError::none) continue;
    require(head.size == whole.end, "the parser ends where the scanner did");
    require(!head.path.empty(), "there is a path");
    require(head.fields.size() <= limits.fields, "fields are within their limit");
    check_written_anew(head);
    check_against_beast(bytes.view(), head);
  }
  // Bytes no scanner has seen must be safe, too.
  const fuzz::Exact raw(input);
  http::RequestHead head;
  (void)parse_request_head(raw.view(), {}, head);
  return 0;
}
