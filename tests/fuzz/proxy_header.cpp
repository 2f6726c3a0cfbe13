// PROXY headers: what is said of a part never contradicts what is said of the whole, a reader is
// never told to take more than the header, and a client that is named can be written and read back.
#include "oracle.hpp"
#include "session/proxy_protocol.hpp"

namespace {

using namespace larder;
using fuzz::require;
using session::parse_proxy_header;
using session::ProxyParse;
using State = ProxyParse::State;

void check_every_part(std::string_view input, const ProxyParse& whole) {
  const std::size_t end = whole.state == State::complete ? whole.size : input.size();
  for (std::size_t size = 0; size < end; ++size) {
    const fuzz::Exact part(input.substr(0, size));
    const ProxyParse parsed = parse_proxy_header(part.view());
    require(parsed.state != State::complete, "no part of a header is one");
    if (parsed.state == State::refused) {
      require(whole.state == State::refused, "a part is refused only if the whole is");
      return;
    }
    require(parsed.missing > 0, "more is asked for when more is needed");
    if (whole.state == State::complete)
      require(size + parsed.missing <= whole.size, "never more than the header is asked for");
  }
}

void check_written_anew(const ProxyParse& whole) {
  if (!whole.header.client) return;
  const bool is_v6 = whole.header.client->is_v6();
  const std::string line = std::string(is_v6 ? "PROXY TCP6 " : "PROXY TCP4 ") +
                           whole.header.client->to_string() + (is_v6 ? " ::1 " : " 127.0.0.1 ") +
                           std::to_string(whole.header.port) + " 80\r\n";
  const ProxyParse again = parse_proxy_header(line);
  require(again.state == State::complete && again.size == line.size(), "a client can be written");
  require(again.header == whole.header, "and is read as the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const fuzz::Exact bytes(input);
  const ProxyParse whole = parse_proxy_header(bytes.view());
  require(!describe(whole.error).empty(), "every error has its sentence");
  check_every_part(input.substr(0, session::proxy_header_limit + 1), whole);
  if (whole.state == State::complete) {
    require(whole.size <= input.size() && whole.size <= session::proxy_header_limit,
            "a header is within what was read and its limit");
    check_written_anew(whole);
  }
  return 0;
}
