// Gzip: what is decoded stays within its bound and is the same whole and in steps; what is
// compressed is given back. The first byte is the size of the steps.
#include "coding/gzip.hpp"

#include <string>
#include <vector>

#include "oracle.hpp"

namespace {

using namespace larder;
using coding::CodingError;
using fuzz::require;

constexpr std::size_t limit = 1 << 16;

/// Decodes in steps; stops behind the limit.
CodingError decode_in_steps(std::string_view coded, std::size_t step, std::string& decoded) {
  coding::GzipDecompressor decompressor(coded);
  std::vector<char> room(step);
  while (true) {
    const coding::GzipDecompressor::Piece piece = decompressor.next(room);
    decoded.append(room.data(), piece.size);
    if (piece.error != CodingError::none) return piece.error;
    if (decoded.size() > limit) return CodingError::too_large;
    if (piece.is_end) return CodingError::none;
    require(piece.size == step, "a piece that is not full is the last");
  }
}

/// Whatever the body, its coded form gives it back.
void check_body(std::string_view body) {
  static coding::GzipCompressor compressor;
  const coding::CodingResult result = compressor.compress(body, body.size() + 1024);
  const auto* coded = std::get_if<policy::SharedBytes>(&result);
  require(coded != nullptr, "compressing within what is enough does not fail");
  const coding::CodingResult back = coding::decompress_gzip(coded->view(), body.size());
  const auto* decoded = std::get_if<policy::SharedBytes>(&back);
  require(decoded != nullptr && decoded->view() == body, "given back as it was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fuzz::Exact input(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  check_body(input.view());

  const coding::CodingResult whole = coding::decompress_gzip(input.view(), limit);
  std::string in_steps;
  const CodingError error = decode_in_steps(input.view(), 1 + data[0] * 16U, in_steps);
  const auto* bytes = std::get_if<policy::SharedBytes>(&whole);
  require((bytes != nullptr) == (error == CodingError::none), "whole and in steps agree");
  if (bytes == nullptr) return 0;
  require(bytes->size <= limit, "no more than the limit");
  require(bytes->view() == in_steps, "the same content in steps");
  return 0;
}
