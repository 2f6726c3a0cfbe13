// TLS for the load generator: one cipher, named by it, so that every server encrypts with the same.
// Whom it speaks to it does not check: that is 127.0.0.1.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "loopback.hpp"

namespace larder::bench {

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTls>;

/// `cipher` of TLS 1.3, as RFC 8446 B.4 names it.
inline TlsContext make_tls_context(const std::string& cipher) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context.get(), cipher.c_str()) != 1)
    fail("no TLS with " + cipher);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

/// Of a connection that is not this one's own.
class TlsClient {
 public:
  /// `socket` blocks until the handshake is done, and no longer afterwards.
  TlsClient(SSL_CTX* context, int socket) : session_(SSL_new(context)) {
    if (!session_ || SSL_set_fd(session_.get(), socket) != 1 || SSL_connect(session_.get()) != 1)
      fail("TLS did not come about");
    const int flags = checked(fcntl(socket, F_GETFL), "F_GETFL");
    checked(fcntl(socket, F_SETFL, flags | O_NONBLOCK), "F_SETFL");
  }

  /// As send() and recv() without waiting; what went wrong otherwise is a reset.
  ssize_t send(std::string_view bytes) {
    return result_of(SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())));
  }
  ssize_t receive(std::span<char> room) {
    return result_of(SSL_read(session_.get(), room.data(), static_cast<int>(room.size())));
  }

 private:
  ssize_t result_of(int result) {
    if (result > 0) return result;
    switch (SSL_get_error(session_.get(), result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        errno = ECONNRESET;
        return -1;
    }
  }

  std::unique_ptr<SSL, FreeTls> session_;
};

}  // namespace larder::bench
