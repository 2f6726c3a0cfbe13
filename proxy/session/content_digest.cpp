#include "session/content_digest.hpp"

#include <variant>

#include "coding/gzip.hpp"

namespace larder::session {

void ContentDigest::take_head(std::uint16_t status, std::string_view content_type,
                              std::string_view content_encoding) {
  const std::uint64_t told[] = {status, store::xxh3(content_type)};
  hash_.add({reinterpret_cast<const char*>(told), sizeof told});
  if (!content_encoding.empty() && content_encoding != "identity")
    coding_ = content_encoding == "gzip" ? Coding::gzip : Coding::other;
}

void ContentDigest::take_head(const http::ResponseHead& head) {
  take_head(head.status, head.fields.first(http::FieldName::content_type).value_or(""),
            head.fields.combined(http::FieldName::content_encoding).value_or(""));
}

void ContentDigest::take_content(std::string_view piece) {
  if (coding_ == Coding::none) hash_.add(piece);
  if (coding_ != Coding::gzip) return;
  // What is compressed anew may differ though it means the same: Django pads it at random.
  if (coded_.size() + piece.size() > most_coded) {
    coding_ = Coding::other;
    std::string().swap(coded_);
  } else {
    coded_ += piece;
  }
}

std::optional<std::uint64_t> ContentDigest::value() {
  if (coding_ == Coding::other) return std::nullopt;
  if (coding_ == Coding::gzip) {
    const coding::CodingResult decoded = coding::decompress_gzip(coded_, most_decoded);
    const auto* bytes = std::get_if<policy::SharedBytes>(&decoded);
    if (!bytes) return std::nullopt;
    hash_.add(bytes->view());
  }
  return hash_.value();
}

std::optional<std::uint64_t> digest_of(const policy::StoredResponse& stored) {
  ContentDigest digest;
  digest.take_head(stored.status, stored.field("content-type"),
                   stored.is_compressed() ? "gzip" : stored.field("content-encoding"));
  digest.take_content(stored.content.view());
  return digest.value();
}

}  // namespace larder::session
