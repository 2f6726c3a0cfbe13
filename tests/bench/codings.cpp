// Codings: how small gzip, brotli and zstd make each of the files given, and what that costs.
//
// Times are of this thread's processor, the least of several batches, for one body each. Contexts
// are used again from body to body, except in the rows that say "new": what that saves is seen
// there. brotli has no context to use again.
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<unsigned char>;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "codings: %s\n", what.c_str());
  std::exit(1);
}

double microseconds_of_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// For one call of `work`: the best of nine batches of at least 2 ms.
double measure(const std::function<void()>& work) {
  work();
  int calls = 1;
  double best = 0;
  for (int batch = 0; batch < 9;) {
    const double begun = microseconds_of_thread();
    for (int call = 0; call < calls; ++call) work();
    const double taken = microseconds_of_thread() - begun;
    if (batch == 0 && taken < 2000) {
      calls *= 2;
      continue;
    }
    const double each = taken / calls;
    best = batch == 0 ? each : std::min(best, each);
    ++batch;
  }
  return best;
}

/// Both directions of a coding at one level. `compress` fills `out`, which is large enough;
/// both return how much was written.
struct Candidate {
  std::string name;
  std::function<std::size_t(const Bytes& in, Bytes& out)> compress;
  std::function<std::size_t(const Bytes& in, std::size_t size, Bytes& out)> decompress;
};

constexpr int gzip_window = 15 + 16;  // with gzip's own head and trailer

struct Deflate {
  explicit Deflate(int level, int memory = 8) {
    if (deflateInit2(&stream, level, Z_DEFLATED, gzip_window, memory, Z_DEFAULT_STRATEGY) != Z_OK)
      fail("deflateInit2");
  }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;
  ~Deflate() { deflateEnd(&stream); }
  std::size_t run(const Bytes& in, Bytes& out) {
    deflateReset(&stream);
    stream.next_in = const_cast<unsigned char*>(in.data());
    stream.avail_in = static_cast<unsigned>(in.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<unsigned>(out.size());
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) fail("deflate");
    return stream.total_out;
  }
  z_stream stream{};
};

struct Inflate {
  Inflate() {
    if (inflateInit2(&stream, gzip_window) != Z_OK) fail("inflateInit2");
  }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;
  ~Inflate() { inflateEnd(&stream); }
  std::size_t run(const Bytes& in, std::size_t size, Bytes& out) {
    inflateReset(&stream);
    stream.next_in = const_cast<unsigned char*>(in.data());
    stream.avail_in = static_cast<unsigned>(size);
    stream.next_out = out.data();
    stream.avail_out = static_cast<unsigned>(out.size());
    if (inflate(&stream, Z_FINISH) != Z_STREAM_END) fail("inflate");
    return stream.total_out;
  }
  z_stream stream{};
};

Candidate gzip(int level) {
  const auto compressor = std::make_shared<Deflate>(level);
  const auto decompressor = std::make_shared<Inflate>();
  return {"gzip " + std::to_string(level),
          [compressor](const Bytes& in, Bytes& out) { return compressor->run(in, out); },
          [decompressor](const Bytes& in, std::size_t size, Bytes& out) {
            return decompressor->run(in, size, out);
          }};
}

Candidate gzip_new(int level) {
  return {
      "gzip " + std::to_string(level) + " new",
      [level](const Bytes& in, Bytes& out) { return Deflate(level).run(in, out); },
      [](const Bytes& in, std::size_t size, Bytes& out) { return Inflate().run(in, size, out); }};
}

Candidate brotli(int level) {
  return {"br " + std::to_string(level),
          [level](const Bytes& in, Bytes& out) {
            std::size_t size = out.size();
            if (BrotliEncoderCompress(level, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, in.size(),
                                      in.data(), &size, out.data()) == BROTLI_FALSE)
              fail("BrotliEncoderCompress");
            return size;
          },
          [](const Bytes& in, std::size_t size, Bytes& out) {
            std::size_t decoded = out.size();
            if (BrotliDecoderDecompress(size, in.data(), &decoded, out.data()) !=
                BROTLI_DECODER_RESULT_SUCCESS)
              fail("BrotliDecoderDecompress");
            return decoded;
          }};
}

std::size_t checked(std::size_t result) {
  if (ZSTD_isError(result) != 0) fail(ZSTD_getErrorName(result));
  return result;
}

using ZstdCompressor = std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)>;
using ZstdDecompressor = std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)>;

Candidate zstd(int level) {
  const std::shared_ptr<ZSTD_CCtx> compressor(ZSTD_createCCtx(), ZSTD_freeCCtx);
  const std::shared_ptr<ZSTD_DCtx> decompressor(ZSTD_createDCtx(), ZSTD_freeDCtx);
  return {"zstd " + std::to_string(level),
          [compressor, level](const Bytes& in, Bytes& out) {
            return checked(ZSTD_compressCCtx(compressor.get(), out.data(), out.size(), in.data(),
                                             in.size(), level));
          },
          [decompressor](const Bytes& in, std::size_t size, Bytes& out) {
            return checked(
                ZSTD_decompressDCtx(decompressor.get(), out.data(), out.size(), in.data(), size));
          }};
}

Candidate zstd_new(int level) {
  return {
      "zstd " + std::to_string(level) + " new",
      [level](const Bytes& in, Bytes& out) {
        const ZstdCompressor context(ZSTD_createCCtx(), ZSTD_freeCCtx);
        return checked(
            ZSTD_compressCCtx(context.get(), out.data(), out.size(), in.data(), in.size(), level));
      },
      [](const Bytes& in, std::size_t size, Bytes& out) {
        const ZstdDecompressor context(ZSTD_createDCtx(), ZSTD_freeDCtx);
        return checked(ZSTD_decompressDCtx(context.get(), out.data(), out.size(), in.data(), size));
      }};
}

Bytes read_file(const char* name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) fail(std::string("cannot read ") + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("name the files to compress");
  std::vector<Candidate> candidates;
  for (const int level : {1, 4, 5, 6, 9}) candidates.push_back(gzip(level));
  candidates.push_back(gzip_new(6));
  for (const int level : {1, 3, 4, 5, 9, 11}) candidates.push_back(brotli(level));
  for (const int level : {1, 3, 6, 9, 12, 19}) candidates.push_back(zstd(level));
  candidates.push_back(zstd_new(3));

  std::printf("zlib %s, brotli %u.%u.%u, zstd %s; microseconds of one processor for one body\n",
              zlibVersion(), BrotliEncoderVersion() >> 24, BrotliEncoderVersion() >> 12 & 0xfff,
              BrotliEncoderVersion() & 0xfff, ZSTD_versionString());
  for (int i = 1; i < argc; ++i) {
    const Bytes body = read_file(argv[i]);
    std::printf("\n%s: %zu bytes\n%-12s %9s %6s %10s %10s\n", argv[i], body.size(), "coding",
                "bytes", "ratio", "compress", "decompress");
    Bytes compressed(body.size() + body.size() / 8 + 1024);
    Bytes decoded(body.size());
    for (const Candidate& candidate : candidates) {
      const std::size_t size = candidate.compress(body, compressed);
      const Bytes input(compressed.begin(), compressed.begin() + static_cast<std::ptrdiff_t>(size));
      if (candidate.decompress(input, size, decoded) != body.size() || decoded != body)
        fail(candidate.name + " does not give back what it was given");
      const double compress = measure([&] { candidate.compress(body, compressed); });
      const double decompress = measure([&] { candidate.decompress(input, size, decoded); });
      std::printf("%-12s %9zu %6.2f %10.1f %10.1f\n", candidate.name.c_str(), size,
                  static_cast<double>(body.size()) / static_cast<double>(size), compress,
                  decompress);
    }
  }
}
