// Stored values: what Redis gives back is the response that was put there, or a miss. Any input is
// a head record, with its checksum made true as well; and it is a response and a mutation of its
// bytes, separated by NUL.
#include <algorithm>
#include <array>

#include "oracle.hpp"
#include "store/codec.hpp"
#include "store/xxh3.hpp"

namespace {

using namespace larder;
using fuzz::require;

constexpr std::string_view key = "GET https://example.org/api/models/?page=2";

std::string with_checksum(std::string body) {
  std::uint64_t checksum = store::xxh3(body);
  for (int byte = 0; byte < 8; ++byte, checksum >>= 8)
    body.push_back(static_cast<char>(checksum & 0xff));
  return body;
}

bool ends_early(std::string_view head) {
  return head.find(std::string_view("\0", 1)) != std::string_view::npos ||
         head.find("\r\n\r\n") != std::string_view::npos || head.starts_with("\r\n");
}

/// Whatever has a true checksum decodes to something that may be served, or to nothing.
void check_record(std::string_view body) {
  const std::string signed_record = with_checksum(std::string(body));
  const fuzz::Exact record(signed_record);
  const std::optional<store::HeadRecord> head = store::decode_head(key, record.view());
  if (!head) return;
  require(head->response->status >= 200 && head->response->status <= 599, "a status that is one");
  require(!ends_early(head->response->head), "a head that does not end before its end");
  require(head->lifetime.count() > 0, "a lifetime");
  require(head->response->initial_age.count() >= 0, "an age");
  require(!store::decode_head("another key", record.view()), "its own key's value alone");
  const std::optional<std::string> again =
      store::encode_head(key, *head->response, head->stamps, head->lifetime);
  require(again && again->size() == record.view().size(), "as long as what is written anew");
}

/// The fields of a response from lines of input, and its bytes again after a mutation.
void check_mutation(std::string_view input, std::string_view mutation) {
  std::array<std::string_view, 4> pieces{};
  for (std::string_view& piece : pieces) {
    const std::size_t end = input.find('\n');
    piece = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  policy::StoredResponse response;
  response.status = 200;
  response.head = "Content-Type: application/json\r\n";
  response.lifetime = std::chrono::seconds(60);
  response.etag = pieces[0];
  response.last_modified = pieces[1];
  if (!pieces[2].empty()) response.vary = {std::string(pieces[2])};
  if (!pieces[3].empty()) response.tags = {std::string(pieces[3])};
  response.content = policy::SharedBytes::copy_of(input);
  store::Stamps stamps{1, 0xffffffffffffffff};
  const std::optional<std::string> record =
      store::encode_head(key, response, stamps, std::chrono::seconds(3600));
  require(record.has_value(), "it is short enough to be encoded");
  const std::optional<store::HeadRecord> head = store::decode_head(key, *record);
  require(head && head->stamps == stamps && head->response->etag == response.etag &&
              head->response->last_modified == response.last_modified &&
              head->response->vary == response.vary && head->response->tags == response.tags &&
              head->response->head == response.head,
          "what was encoded is decoded");
  require(store::is_content_of(*head, response.content.view()), "with its content");

  // Its bytes are changed where the mutation says: where, how, by what.
  if (mutation.size() < 4) return;
  const auto at = [mutation](std::size_t i) { return static_cast<unsigned char>(mutation[i]); };
  const std::size_t place = std::size_t{at(1)} << 8 | at(2);
  const auto changed = [&](std::string bytes) {
    const std::size_t where = bytes.empty() ? 0 : place % bytes.size();
    switch (at(0) % 4) {
      case 0:
        if (!bytes.empty()) bytes[where] = static_cast<char>(bytes[where] ^ at(3));
        break;
      case 1:
        bytes.resize(where);
        break;
      case 2:
        bytes.insert(where, mutation.substr(3));
        break;
      default:
        bytes.replace(where, mutation.size() - 3, mutation.substr(3));
        break;
    }
    return bytes;
  };
  const std::string other_record = changed(*record);
  if (other_record != *record)
    require(!store::decode_head(key, other_record), "any mutation of a stored head is a miss");
  const std::string content(response.content.view());
  const std::string other_content = changed(content);
  if (other_content != content)
    require(!store::is_content_of(*head, other_content), "and any of its content");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  {
    const fuzz::Exact exact(input);
    require(!store::decode_head(key, exact.view()) || input.size() > 8, "nothing from nothing");
  }
  check_record(input);
  const std::size_t nul = input.find('\0');
  if (nul != std::string_view::npos) check_mutation(input.substr(0, nul), input.substr(nul + 1));
  return 0;
}
