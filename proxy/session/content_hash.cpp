#include "session/content_hash.hpp"

#include <variant>

#include "coding/gzip.hpp"

namespace larder::session {

void ContentHash::take_head(const http::ResponseHead& head) {
  const std::uint64_t told[] = {
      head.status,
      store::xxh3(head.fields.first(http::FieldName::content_type).value_or(std::string_view()))};
  hash_.add({reinterpret_cast<const char*>(told), sizeof told});
  if (const auto coding = head.fields.combined(http::FieldName::content_encoding);
      coding && *coding != "identity")
    coding_ = *coding == "gzip" ? Coding::gzip : Coding::other;
}

void ContentHash::take_content(std::string_view piece) {
  if (coding_ == Coding::none) hash_.add(piece);
  if (coding_ != Coding::gzip) return;
  if (coded_.size() + piece.size() > most_coded) {
    coding_ = Coding::other;
    std::string().swap(coded_);
  } else {
    coded_ += piece;
  }
}

std::optional<std::uint64_t> ContentHash::value() {
  if (coding_ == Coding::gzip) {
    const coding::CodingResult decoded = coding::decompress_gzip(coded_, most_decoded);
    const auto* bytes = std::get_if<policy::SharedBytes>(&decoded);
    if (!bytes) return std::nullopt;
    hash_.add(bytes->view());
  }
  if (coding_ == Coding::other) return std::nullopt;
  return hash_.value();
}

}  // namespace larder::session
