// TLS files: the listeners' certificate, its key and the clients' CA, read again when they change.
//
// A set of files that cannot be used leaves the one before in force: a certificate is renewed by
// replacing two files, and between the two they do not fit.
#pragma once

#include <sys/types.h>

#include <array>
#include <ctime>
#include <mutex>
#include <string>

#include "store/tls.hpp"

namespace larder::session {

class TlsFiles {
 public:
  explicit TlsFiles(TlsServerFiles files) : files_(std::move(files)) {}

  /// What looking at the files has come to.
  struct Look {
    enum class Result : std::uint8_t { unchanged, taken, refused };
    Result result = Result::unchanged;
    std::string failure;  ///< in words, when refused
  };
  /// Reads the files when they are others than at the last look, or anyway when `always`.
  /// A few calls of stat() when they are not. From one thread at a time.
  [[nodiscard]] Look look(bool always);

  /// For a new connection, on any thread. Null before the first look that has succeeded.
  [[nodiscard]] TlsContext context() const;

 private:
  struct Stamp {
    dev_t device = 0;
    ino_t file = 0;
    off_t size = 0;
    std::time_t changed = 0;
    long changed_nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::array<Stamp, 3>;
  [[nodiscard]] static Stamp stamp_of(const std::string& path);

  const TlsServerFiles files_;
  Stamps seen_;
  mutable std::mutex mutex_;
  TlsContext context_;
};

}  // namespace larder::session
