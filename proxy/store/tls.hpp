// TLS: OpenSSL on a socket that never waits (RFC 8446, RFC 9110 4.2.2).
//
// Knows nothing of coroutines and deadlines: each step says what it needs next, and the stream that
// has it (session/stream, store/redis_stream) waits for that. Like store/io, for all that waits.
// The process ignores SIGPIPE.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;

namespace larder {

/// Certificates, keys and what is accepted, for many connections on any thread.
using TlsContext = std::shared_ptr<SSL_CTX>;

/// What a step has come to.
enum class TlsNeed : std::uint8_t {
  nothing,   ///< done
  readable,  ///< the same step again when the socket can be read
  writable,  ///< the same step again when the socket can be written
  closed,    ///< the peer ended its side in order (close_notify)
  failed,    ///< anything else, an end without close_notify too: never to be taken for an end
};

class TlsSession {
 public:
  enum class Role : std::uint8_t { client, server };
  /// `socket` is connected and non-blocking, and outlives this session.
  /// For a client, `server_name` is asked for (SNI) and must be in the certificate; empty: neither.
  TlsSession(const TlsContext& context, Role role, int socket, const std::string& server_name);
  TlsSession(TlsSession&&) noexcept = default;
  TlsSession& operator=(TlsSession&&) noexcept = default;

  [[nodiscard]] TlsNeed handshake();
  /// `size`: bytes read, above zero when nothing more is needed.
  [[nodiscard]] TlsNeed read(std::span<char> room, std::size_t& size);
  /// `size`: bytes taken, perhaps fewer than given. A step that needs something is to be repeated
  /// with the same bytes in front.
  [[nodiscard]] TlsNeed write(std::string_view bytes, std::size_t& size);
  /// Tells the peer that no more will be written. Does not wait for anything.
  void shutdown_write();
  /// Has something been received that read() has not given out yet?
  [[nodiscard]] bool has_pending() const;

  /// Why the last step failed, in OpenSSL's words: "certificate verify failed". Empty: no reason.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  /// Of the peer's verified certificate (RFC 4514 form); empty when it gave none.
  [[nodiscard]] std::string peer_subject() const;

 private:
  [[nodiscard]] TlsNeed need_after(int result);

  struct Free {
    void operator()(SSL* ssl) const;
  };
  std::unique_ptr<SSL, Free> ssl_;
  std::string failure_;
  bool broken_ = false;  ///< after a fatal error nothing may be called, not even shutdown
};

/// Files are PEM. What failed in words, or a context.
struct MadeTlsContext {
  TlsContext context;   ///< null when it failed
  std::string failure;  ///< "cannot read /etc/cert.pem: no start line"
};

/// For listeners: TLS 1.2 and later, ALPN http/1.1 (RFC 7301: another offer alone is refused).
struct TlsServerFiles {
  std::string certificate;  ///< chain, leaf first
  std::string key;
  std::string client_ca;  ///< empty: clients are not asked for a certificate; else one is required
};
[[nodiscard]] MadeTlsContext make_server_context(const TlsServerFiles& files);

/// For connections to an origin or a Redis. `ca_file` empty: the system's store.
struct TlsClientOptions {
  std::string ca_file;
  bool verify = true;
  std::string certificate;  ///< shown to a server that asks; empty: none
  std::string key;
  std::string protocol = "http/1.1";  ///< asked for by ALPN (RFC 7301); empty: none
};
[[nodiscard]] MadeTlsContext make_client_context(const TlsClientOptions& options);

}  // namespace larder
