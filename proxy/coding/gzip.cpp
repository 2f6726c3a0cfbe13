#include "coding/gzip.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#define ZLIB_CONST  // next_in points to const
#include <zlib.h>

namespace larder::coding {
namespace {

constexpr int level = 5;
constexpr int window = 15 + 16;  // the largest, and gzip's own head and trailer
constexpr int memory = 8;        // zlib's default: 9 gains nothing here
constexpr std::size_t largest_step = std::numeric_limits<uInt>::max();
constexpr std::size_t least_gzip = 18;  // a head and a trailer, RFC 1952 2.3

const Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<const Bytef*>(text.data());
}

/// zlib counts in unsigned int; hands it the front of `rest`.
void give(z_stream& stream, std::string_view& rest) {
  const std::size_t size = std::min(rest.size(), largest_step);
  stream.next_in = bytes_of(rest);
  stream.avail_in = static_cast<uInt>(size);
  rest.remove_prefix(size);
}

}  // namespace

struct GzipCompressor::Deflate {
  Deflate() {
    const int made = deflateInit2(&stream, level, Z_DEFLATED, window, memory, Z_DEFAULT_STRATEGY);
    if (made != Z_OK) throw std::bad_alloc();
  }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;
  ~Deflate() { deflateEnd(&stream); }

  z_stream stream{};
  std::size_t written = 0;
};

GzipCompressor::GzipCompressor() : deflate_(std::make_unique<Deflate>()) {}
GzipCompressor::~GzipCompressor() = default;

void GzipCompressor::start(std::size_t limit) {
  deflateReset(&deflate_->stream);
  open_room(limit);
}

void GzipCompressor::open_room(std::size_t limit) {
  deflate_->written = 0;
  limit_ = limit;
  error_ = CodingError::none;
  // As large as the limit, of which the system gives only what is written to.
  room_ = std::make_unique_for_overwrite<char[]>(limit);
}

CodingError GzipCompressor::step(std::string_view piece, int flush) {
  if (error_ != CodingError::none) return error_;
  z_stream& stream = deflate_->stream;
  std::string_view rest = piece;
  stream.avail_in = 0;
  while (true) {
    if (stream.avail_in == 0 && !rest.empty()) give(stream, rest);
    const std::size_t left = std::min(limit_ - deflate_->written, largest_step);
    stream.next_out = reinterpret_cast<Bytef*>(room_.get() + deflate_->written);
    stream.avail_out = static_cast<uInt>(left);
    const int done = deflate(&stream, rest.empty() ? flush : Z_NO_FLUSH);
    deflate_->written += left - stream.avail_out;
    if (done == Z_STREAM_END) return CodingError::none;
    if (deflate_->written == limit_) {  // and the trailer at least is still to come
      room_.reset();
      return error_ = CodingError::too_large;
    }
    if (flush != Z_FINISH && stream.avail_in == 0 && rest.empty()) return CodingError::none;
  }
}

CodingError GzipCompressor::append(std::string_view piece) {
  return step(piece, Z_NO_FLUSH);
}

CodingResult GzipCompressor::end_with(std::string_view piece) {
  if (const CodingError error = step(piece, Z_FINISH); error != CodingError::none) return error;
  policy::SharedBytes coded = policy::SharedBytes::copy_of({room_.get(), deflate_->written});
  room_.reset();
  error_ = CodingError::too_large;
  return coded;
}

CodingResult GzipCompressor::finish() {
  return end_with({});
}

CodingResult GzipCompressor::compress(std::string_view content, std::size_t limit) {
  deflateReset(&deflate_->stream);  // first: the bound is of the state
  open_room(std::min<std::size_t>(limit, deflateBound(&deflate_->stream, content.size())));
  return end_with(content);
}

struct GzipDecompressor::Inflate {
  explicit Inflate(std::string_view coded) : rest(coded) {
    if (inflateInit2(&stream, window) != Z_OK) throw std::bad_alloc();
  }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;
  ~Inflate() { inflateEnd(&stream); }

  z_stream stream{};
  std::string_view rest;  ///< not yet given to the stream
  bool is_end = false;
  CodingError error = CodingError::none;
};

GzipDecompressor::GzipDecompressor(std::string_view coded)
    : inflate_(std::make_unique<Inflate>(coded)) {}
GzipDecompressor::~GzipDecompressor() = default;

GzipDecompressor::Piece GzipDecompressor::next(std::span<char> room) {
  Inflate& state = *inflate_;
  z_stream& stream = state.stream;
  std::size_t written = 0;
  const auto piece = [&] { return Piece{written, state.is_end, state.error}; };
  while (!state.is_end && state.error == CodingError::none) {
    if (stream.avail_in == 0 && !state.rest.empty()) give(stream, state.rest);
    const std::size_t left = std::min(room.size() - written, largest_step);
    stream.next_out = reinterpret_cast<Bytef*>(room.data() + written);
    stream.avail_out = static_cast<uInt>(left);
    const int done = inflate(&stream, Z_NO_FLUSH);
    written += left - stream.avail_out;
    const bool has_taken_all = stream.avail_in == 0 && state.rest.empty();
    switch (done) {
      case Z_STREAM_END:
        if (has_taken_all)
          state.is_end = true;
        else
          inflateReset(&stream);  // another member follows, or what is none
        break;
      case Z_OK:
      case Z_BUF_ERROR:
        if (written == room.size()) return piece();
        if (has_taken_all) state.error = CodingError::truncated;
        break;
      case Z_MEM_ERROR:
        throw std::bad_alloc();
      default:
        state.error = CodingError::malformed;
        break;
    }
  }
  return piece();
}

CodingResult decompress_gzip(std::string_view coded, std::size_t limit) {
  // What is claimed is never more than what is there (RFC 1952 2.3.1: modulo 2^32), so a body that
  // claims too much is too large or malformed.
  const std::size_t claimed = claimed_gzip_size(coded).value_or(0);
  if (claimed > limit) return CodingError::too_large;
  GzipDecompressor decompressor(coded);
  std::size_t room_size = std::max<std::size_t>(claimed, 1);
  std::shared_ptr<char[]> room = std::make_shared_for_overwrite<char[]>(room_size);
  std::size_t size = 0;
  while (true) {
    const GzipDecompressor::Piece piece = decompressor.next({room.get() + size, room_size - size});
    if (piece.error != CodingError::none) return piece.error;
    size += piece.size;
    if (piece.is_end) break;
    if (size >= limit) return CodingError::too_large;
    // More than one member: by doubling, as far as the limit.
    room_size = std::min(limit, std::max<std::size_t>(room_size * 2, 4096));
    std::shared_ptr<char[]> larger = std::make_shared_for_overwrite<char[]>(room_size);
    std::memcpy(larger.get(), room.get(), size);
    room = std::move(larger);
  }
  if (size > limit) return CodingError::too_large;
  if (size < room_size) return policy::SharedBytes::copy_of({room.get(), size});
  return policy::SharedBytes{std::move(room), size};
}

std::optional<std::uint32_t> claimed_gzip_size(std::string_view coded) {
  if (coded.size() < least_gzip) return {};
  std::uint32_t size = 0;
  for (std::size_t i = 1; i <= 4; ++i)
    size = size << 8 | static_cast<unsigned char>(coded[coded.size() - i]);
  return size;
}

}  // namespace larder::coding
