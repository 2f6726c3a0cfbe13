#include "store/tls.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace larder {

namespace {

constexpr std::array<unsigned char, 9> http_1_1{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

/// The first error in OpenSSL's queue, which is emptied.
std::string take_error() {
  const unsigned long first = ERR_get_error();
  ERR_clear_error();
  if (first == 0) return "unknown reason";
  const char* reason = ERR_reason_error_string(first);
  return reason ? reason : "error " + std::to_string(first);
}

/// What OpenSSL says after a step is of that step alone when nothing is left of others. To clear a
/// queue that is empty, as it nearly always is, takes 800 instructions.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

int size_for_openssl(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

int select_protocol(SSL*, const unsigned char** chosen, unsigned char* length,
                    const unsigned char* offered, unsigned int offered_length, void*) {
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, length, http_1_1.data(), http_1_1.size(), offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = selected;
  return SSL_TLSEXT_ERR_OK;
}

TlsContext make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context) return context;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Buffers of an idle connection go back, and a record is read with one system call.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

/// What failed; empty on success.
std::string load_pair(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return "cannot use the certificate " + certificate + ": " + take_error();
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return "cannot use the key " + key + ": " + take_error();
  if (SSL_CTX_check_private_key(context) != 1)
    return "the key " + key + " does not belong to the certificate " + certificate;
  return {};
}

}  // namespace

void TlsSession::Free::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

TlsSession::TlsSession(const TlsContext& context, Role role, int socket,
                       const std::string& server_name)
    : ssl_(SSL_new(context.get())) {
  if (!ssl_ || SSL_set_fd(ssl_.get(), socket) != 1) {
    failure_ = take_error();
    broken_ = true;
    return;
  }
  if (role == Role::server) {
    SSL_set_accept_state(ssl_.get());
    return;
  }
  SSL_set_connect_state(ssl_.get());
  if (server_name.empty()) return;
  // RFC 6066 3: an address is no server name; it is looked for in the certificate all the same.
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, server_name.c_str()) == 1) return;
  SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (SSL_set1_host(ssl_.get(), server_name.c_str()) != 1 ||
      SSL_set_tlsext_host_name(ssl_.get(), server_name.c_str()) != 1) {
    failure_ = take_error();
    broken_ = true;
  }
}

TlsNeed TlsSession::need_after(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return TlsNeed::nothing;
    case SSL_ERROR_WANT_READ:
      return TlsNeed::readable;
    case SSL_ERROR_WANT_WRITE:
      return TlsNeed::writable;
    case SSL_ERROR_ZERO_RETURN:
      return TlsNeed::closed;
    default:
      broken_ = true;
      failure_ = ERR_peek_error() == 0 ? "the connection was reset" : take_error();
      return TlsNeed::failed;
  }
}

TlsNeed TlsSession::handshake() {
  if (broken_) return TlsNeed::failed;
  forget_errors();
  return need_after(SSL_do_handshake(ssl_.get()));
}

TlsNeed TlsSession::read(std::span<char> room, std::size_t& size) {
  size = 0;
  if (broken_) return TlsNeed::failed;
  forget_errors();
  const int result = SSL_read(ssl_.get(), room.data(), size_for_openssl(room.size()));
  if (result > 0) {
    size = static_cast<std::size_t>(result);
    return TlsNeed::nothing;
  }
  return need_after(result);
}

TlsNeed TlsSession::write(std::string_view bytes, std::size_t& size) {
  size = 0;
  if (broken_) return TlsNeed::failed;
  forget_errors();
  const int result = SSL_write(ssl_.get(), bytes.data(), size_for_openssl(bytes.size()));
  if (result > 0) {
    size = static_cast<std::size_t>(result);
    return TlsNeed::nothing;
  }
  return need_after(result);
}

void TlsSession::shutdown_write() {
  if (broken_ || !SSL_is_init_finished(ssl_.get())) return;
  ERR_clear_error();
  if (SSL_shutdown(ssl_.get()) < 0) ERR_clear_error();
}

bool TlsSession::has_pending() const {
  return !broken_ && SSL_has_pending(ssl_.get()) == 1;
}

std::string TlsSession::peer_subject() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      ssl_ ? SSL_get1_peer_certificate(ssl_.get()) : nullptr, X509_free);
  if (!certificate) return {};
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()), 0,
                                  XN_FLAG_RFC2253) < 0)
    return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(std::max(size, 0L))};
}

MadeTlsContext make_server_context(const TlsServerFiles& files) {
  MadeTlsContext made{make_context(TLS_server_method()), {}};
  if (!made.context) return {nullptr, take_error()};
  SSL_CTX* context = made.context.get();
  made.failure = load_pair(context, files.certificate, files.key);
  if (made.failure.empty() && !files.client_ca.empty()) {
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(files.client_ca.c_str());
    if (!names || SSL_CTX_load_verify_file(context, files.client_ca.c_str()) != 1) {
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      made.failure = "cannot use the client CA file " + files.client_ca + ": " + take_error();
    } else {
      SSL_CTX_set_client_CA_list(context, names);
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
  }
  if (!made.failure.empty()) {
    made.context.reset();
    return made;
  }
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  constexpr std::string_view id = "larder";
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(id.data()),
                                 static_cast<unsigned>(id.size()));
  return made;
}

MadeTlsContext make_client_context(const TlsClientOptions& options) {
  MadeTlsContext made{make_context(TLS_client_method()), {}};
  if (!made.context) return {nullptr, take_error()};
  SSL_CTX* context = made.context.get();
  if (!options.certificate.empty())
    made.failure = load_pair(context, options.certificate, options.key);
  if (made.failure.empty() && options.verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    const int loaded = options.ca_file.empty()
                           ? SSL_CTX_set_default_verify_paths(context)
                           : SSL_CTX_load_verify_file(context, options.ca_file.c_str());
    if (loaded != 1)
      made.failure = "cannot use the CA file " + options.ca_file + ": " + take_error();
  }
  if (made.failure.empty() && !options.protocol.empty()) {
    // A list of one: its length, and the name.
    const std::string list = static_cast<char>(options.protocol.size()) + options.protocol;
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(list.data()),
                            static_cast<unsigned>(list.size()));
  }
  if (!made.failure.empty()) made.context.reset();
  return made;
}

}  // namespace larder
