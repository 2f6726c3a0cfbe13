#include "session/tls_files.hpp"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "support/certificates.hpp"

namespace larder::session {
namespace {

using Result = TlsFiles::Look::Result;
namespace fs = std::filesystem;

TEST_CASE("TlsFiles: read again when they change, kept when they cannot be used") {
  const test::Certificates certificates;
  certificates.make("old", "DNS:localhost");
  certificates.make("new", "DNS:localhost");
  const std::string used = certificates.file("used.pem");
  const std::string key = certificates.file("used.key");
  // As deployments do it: a new file takes the name of the old one.
  const auto put = [&](const std::string& from, const std::string& to) {
    fs::copy_file(certificates.file(from), to + ".new", fs::copy_options::overwrite_existing);
    fs::rename(to + ".new", to);
  };
  put("old.pem", used);
  put("old.key", key);

  TlsFiles files({.certificate = used, .key = key, .client_ca = {}});
  CHECK_FALSE(files.context());
  CHECK(files.look(false).result == Result::taken);
  const TlsContext first = files.context();
  REQUIRE(first);
  CHECK(files.look(false).result == Result::unchanged);
  CHECK(files.context() == first);
  CHECK(files.look(true).result == Result::taken);
  const TlsContext again = files.context();
  CHECK(again != first);

  // The certificate has come, its key has not.
  put("new.pem", used);
  const TlsFiles::Look half = files.look(false);
  CHECK(half.result == Result::refused);
  CHECK(half.failure.find(key) != std::string::npos);
  CHECK(files.context() == again);
  // Said once, not every second.
  CHECK(files.look(false).result == Result::unchanged);

  put("new.key", key);
  CHECK(files.look(false).result == Result::taken);
  const TlsContext renewed = files.context();
  CHECK(renewed != again);

  fs::remove(key);
  CHECK(files.look(false).result == Result::refused);
  CHECK(files.context() == renewed);
}

TEST_CASE("TlsFiles: the first look says what is wrong") {
  TlsFiles files(
      {.certificate = "/nonexistent/cert.pem", .key = "/nonexistent/key.pem", .client_ca = {}});
  const TlsFiles::Look look = files.look(true);
  CHECK(look.result == Result::refused);
  CHECK(look.failure.find("/nonexistent/cert.pem") != std::string::npos);
  CHECK_FALSE(files.context());
}

}  // namespace
}  // namespace larder::session
