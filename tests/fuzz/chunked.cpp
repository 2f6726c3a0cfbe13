// Chunked: cuts change nothing; what was decoded and is encoded anew decodes the same; Beast, where
// it comes to an end too, has the same data and the same end.
#include "http/chunked.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "oracle.hpp"

namespace {

using namespace larder;
using fuzz::require;
using Kind = http::ChunkedDecoder::Kind;

struct Decoded {
  Kind kind = Kind::need_more;
  std::size_t consumed = 0;
  std::string data;
  std::string trailers;
  std::string reason;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view input, std::vector<std::size_t> cuts,
               const http::ChunkLimits& limits) {
  http::ChunkedDecoder decoder(limits);
  Decoded result;
  cuts.push_back(input.size());
  for (const std::size_t cut : cuts) {
    do {
      const fuzz::Exact part(input.substr(result.consumed, cut - result.consumed));
      const http::ChunkedDecoder::Step step = decoder.next(part.view());
      require(step.consumed <= part.view().size(), "no more is consumed than there is");
      require(step.kind != Kind::data || !step.data.empty(), "data is not empty");
      result.kind = step.kind;
      result.consumed += step.consumed;
      result.data += step.data;
      result.reason = step.reason;
    } while (result.kind == Kind::data);
    if (result.kind != Kind::need_more) break;
  }
  result.trailers = decoder.trailers();
  require(result.trailers.size() <= limits.trailer_bytes, "trailers are within their limit");
  return result;
}

void check_against_beast(std::string_view input, const Decoded& decoded) {
  namespace beast = boost::beast::http;
  beast::request_parser<beast::string_body> parser;
  parser.eager(true);
  parser.header_limit(1 << 20);
  parser.body_limit(boost::none);
  const std::string_view head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string bytes = std::string(head).append(input);
  std::size_t used = 0;
  boost::system::error_code error;
  while (used < bytes.size() && !parser.is_done()) {
    const std::size_t n =
        parser.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
    used += n;
    if (error || n == 0) return;
  }
  if (!parser.is_done()) return;
  require(parser.get().body() == decoded.data, "Beast's data");
  require(used == head.size() + decoded.consumed, "Beast's end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const http::ChunkLimits& limits :
       {http::ChunkLimits{},
        http::ChunkLimits{.extension_bytes = 4, .trailer_bytes = 16, .trailer_fields = 1}}) {
    const Decoded whole = decode(input, {}, limits);
    require(decode(input, fuzz::cuts_of(input), limits) == whole, "cuts change nothing");
    require((whole.kind == Kind::refused) == !whole.reason.empty(), "a refusal has its reason");
    if (whole.kind != Kind::end) continue;
    char room[20];
    std::string anew;
    if (!whole.data.empty())
      anew.append(http::format_chunk_size(whole.data.size(), room))
          .append(whole.data)
          .append("\r\n");
    anew.append(http::format_chunk_size(0, room)).append(whole.trailers).append("\r\n");
    const Decoded again = decode(anew, fuzz::cuts_of(anew), limits);
    require(again.kind == Kind::end && again.consumed == anew.size(), "what is encoded anew ends");
    require(again.data == whole.data && again.trailers == whole.trailers, "and is the same");
    check_against_beast(input, whole);
  }
  return 0;
}
