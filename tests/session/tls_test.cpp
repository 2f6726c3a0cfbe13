#include "store/tls.hpp"

#include <sys/socket.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "support/certificates.hpp"
#include "support/run.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;

struct Setup {
  TlsServerFiles server;
  TlsClientOptions client;
  std::string server_name;
};

struct Outcome {
  IoStatus server = IoStatus::failed;
  IoStatus client = IoStatus::failed;
  std::string server_failure;
  std::string client_failure;
  [[nodiscard]] bool is_agreed() const { return server == IoStatus::ok && client == IoStatus::ok; }
};

/// Two streams on one connection, one to speak as a server and one as a client.
class Ends {
 public:
  explicit Ends(asio::io_context& io) : deadlines_(io) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const asio::generic::stream_protocol protocol{asio::local::stream_protocol()};
    server.emplace(Socket(io.get_executor(), protocol, ends[0]), deadlines_);
    client.emplace(Socket(io.get_executor(), protocol, ends[1]), deadlines_);
  }

  Outcome shake_hands(asio::io_context& io, const Setup& setup) {
    MadeTlsContext for_server = make_server_context(setup.server);
    REQUIRE_MESSAGE(for_server.context, for_server.failure);
    MadeTlsContext for_client = make_client_context(setup.client);
    REQUIRE_MESSAGE(for_client.context, for_client.failure);
    Outcome outcome;
    int ended = 0;
    const auto start = [&](Stream& stream, TlsContext& context, TlsSession::Role role,
                           const std::string& name, IoStatus& status) {
      asio::co_spawn(
          io,
          stream.start_tls(TlsSession(context, role, stream.socket().native_handle(), name), 5s),
          [&](const std::exception_ptr&, IoStatus ended_with) {
            status = ended_with;
            // Whoever failed is gone for the other.
            if (ended_with != IoStatus::ok) stream.close();
            if (++ended == 2) io.stop();
          });
    };
    start(*server, for_server.context, TlsSession::Role::server, {}, outcome.server);
    start(*client, for_client.context, TlsSession::Role::client, setup.server_name, outcome.client);
    io.restart();
    io.run_for(10s);
    REQUIRE(ended == 2);
    outcome.server_failure = server->tls_failure();
    outcome.client_failure = client->tls_failure();
    return outcome;
  }

  /// One read, with what the other side does before it.
  ReadResult read(asio::io_context& io, Stream& stream, std::string& into) {
    into.resize(64 * 1024);
    const ReadResult result = test::run(io, stream.read_some(into, 2s));
    into.resize(result.size);
    return result;
  }

  std::optional<Stream> server;
  std::optional<Stream> client;

 private:
  Deadlines deadlines_;
};

struct Fixture {
  Fixture() {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does: OpenSSL writes as write() does
    certificates.make("server", "DNS:backend,IP:127.0.0.1");
    certificates.make("client", "DNS:client");
  }
  [[nodiscard]] TlsServerFiles server_files() const {
    return {certificates.file("server.pem"), certificates.file("server.key"), {}};
  }
  test::Certificates certificates;
};

TEST_CASE_FIXTURE(Fixture, "TLS: whom a client believes, and whom a server lets in") {
  struct Case {
    const char* name;
    const char* server_name;
    bool knows_ca;
    bool verifies;
    bool asks_for_certificate;
    bool shows_certificate;
    bool agreed;
    const char* client_failure = "";
  };
  const Case cases[] = {
      {"a certificate for that name", "backend", true, true, false, false, true},
      {"a certificate for that address", "127.0.0.1", true, true, false, false, true},
      {"another name", "elsewhere", true, true, false, false, false, "certificate verify failed"},
      {"another address", "127.0.0.2", true, true, false, false, false,
       "certificate verify failed"},
      {"an unknown CA", "backend", false, true, false, false, false, "certificate verify failed"},
      {"an unknown CA, without verification", "backend", false, false, false, false, true},
      {"a client's certificate, asked for", "backend", true, true, true, true, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    asio::io_context io(1);
    Ends ends(io);
    Setup setup{server_files(), {}, c.server_name};
    if (c.knows_ca) setup.client.ca_file = certificates.ca();
    setup.client.verify = c.verifies;
    if (c.asks_for_certificate) setup.server.client_ca = certificates.ca();
    if (c.shows_certificate) {
      setup.client.certificate = certificates.file("client.pem");
      setup.client.key = certificates.file("client.key");
    }
    const Outcome outcome = ends.shake_hands(io, setup);
    CHECK(outcome.is_agreed() == c.agreed);
    CHECK(outcome.client_failure == c.client_failure);
  }
}

TEST_CASE_FIXTURE(Fixture, "TLS: a client without the certificate it was asked for is refused") {
  asio::io_context io(1);
  Ends ends(io);
  Setup setup{server_files(), {}, "backend"};
  setup.client.ca_file = certificates.ca();
  setup.server.client_ca = certificates.ca();
  const Outcome outcome = ends.shake_hands(io, setup);
  CHECK(outcome.server == IoStatus::failed);
  CHECK(outcome.server_failure == "peer did not return a certificate");
}

TEST_CASE_FIXTURE(Fixture, "TLS: bytes arrive whole, an end is told from a cut") {
  asio::io_context io(1);
  Ends ends(io);
  Setup setup{server_files(), {}, "backend"};
  setup.client.ca_file = certificates.ca();
  REQUIRE(ends.shake_hands(io, setup).is_agreed());
  REQUIRE(ends.client->is_encrypted());
  std::string got;

  SUBCASE("three pieces are one record") {
    CHECK(test::run(io, ends.server->write({"head ", "and ", "content"}, 1s)) == IoStatus::ok);
    CHECK(ends.read(io, *ends.client, got).status == IoStatus::ok);
    CHECK(got == "head and content");
  }
  SUBCASE("more than the kernel holds, written while it is read") {
    const std::string large(3 << 20, 'x');
    std::string read_in_all;
    asio::co_spawn(
        io, ends.server->write({"<", large, ">"}, 5s),
        [&](const std::exception_ptr&, IoStatus status) { CHECK(status == IoStatus::ok); });
    while (read_in_all.size() < large.size() + 2) {
      REQUIRE(ends.read(io, *ends.client, got).status == IoStatus::ok);
      read_in_all += got;
    }
    CHECK(read_in_all == "<" + large + ">");
  }
  SUBCASE("an orderly end is closed") {
    ends.server->shutdown_write();
    CHECK(ends.read(io, *ends.client, got).status == IoStatus::closed);
  }
  SUBCASE("a connection that ends without close_notify has failed, as a cut-off body has") {
    ::shutdown(ends.server->socket().native_handle(), SHUT_WR);
    CHECK(ends.read(io, *ends.client, got).status == IoStatus::failed);
  }
  SUBCASE("a reset is never an end") {
    ends.server->reset();
    CHECK(ends.read(io, *ends.client, got).status == IoStatus::failed);
  }
  SUBCASE("session tickets before a question are nothing, bytes are no answer to it") {
    std::string question;
    const auto answer = [&]() -> awaitable<void> {
      question.resize(16);
      const ReadResult read = co_await ends.server->read_some(question, 1s);
      question.resize(read.size);
      const IoStatus written = co_await ends.server->write("answer", 1s);
      CHECK(written == IoStatus::ok);
    };
    got.resize(16);
    asio::co_spawn(io, answer(), asio::detached);
    const ReadResult asked = test::run(io, ends.client->ask("question", 1s, got, 1s));
    CHECK_FALSE(asked.is_unasked);
    CHECK(got.substr(0, asked.size) == "answer");
    CHECK(question == "question");

    CHECK(test::run(io, ends.server->write("surplus", 1s)) == IoStatus::ok);
    const ReadResult surplus = test::run(io, ends.client->ask("next", 1s, got, 1s));
    CHECK(surplus.is_unasked);
    CHECK(got.substr(0, surplus.size) == "surplus");
    got.resize(16);
    CHECK(test::run(io, ends.server->read_some(got, 20ms)).status == IoStatus::timed_out);
  }
  SUBCASE("a read has its deadline") {
    got.resize(16);
    CHECK(test::run(io, ends.client->read_some(got, 20ms)).status == IoStatus::timed_out);
  }
}

TEST_CASE_FIXTURE(Fixture, "TLS: what is wrong with files is said with their names") {
  TlsServerFiles files = server_files();
  SUBCASE("no such certificate") {
    files.certificate = certificates.file("none.pem");
    CHECK(make_server_context(files).failure.starts_with("cannot use the certificate " +
                                                         files.certificate + ": "));
  }
  SUBCASE("another key") {
    files.key = certificates.file("client.key");
    CHECK(make_server_context(files).failure.starts_with("cannot use the key " + files.key));
  }
  SUBCASE("no CA") {
    files.client_ca = certificates.file("server.key");
    CHECK(make_server_context(files).failure.starts_with("cannot use the client CA file "));
  }
  SUBCASE("nothing is wrong") {
    CHECK(make_server_context(files).context);
  }
}

}  // namespace
}  // namespace larder::session
