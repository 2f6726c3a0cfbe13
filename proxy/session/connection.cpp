#include "session/connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "policy/problem.hpp"
#include "session/proxy_protocol.hpp"

namespace larder::session {

namespace {

constexpr std::size_t first_buffer = 2 * 1024;
/// After so long without a request a connection gives up its buffers.
constexpr milliseconds awake_time{1000};
/// What an idle connection may keep of its scratch.
constexpr std::size_t idle_scratch = 4 * 1024;
constexpr milliseconds linger_timeout{2000};
constexpr std::size_t linger_bytes = 256 * 1024;
/// While draining, for a request that was on its way. Whoever has just connected does not ask again
/// when the connection is closed; whoever uses one again has to reckon with that (RFC 9112 9.5).
constexpr milliseconds drain_patience_with_new{1000};
constexpr milliseconds drain_patience{250};
/// Pipelined requests that are served before other connections have their turn.
constexpr unsigned most_in_a_row = 16;
constexpr std::string_view retry_soon = "Retry-After: 1\r\n";

/// What is left until then; at least a millisecond, since zero would mean no end.
milliseconds left_until(SteadyClock::time_point give_up) {
  return std::max(std::chrono::ceil<milliseconds>(give_up - SteadyClock::now()), milliseconds{1});
}

/// One of the requests that are served at the same time.
class RequestInFlight {
 public:
  explicit RequestInFlight(std::atomic<unsigned>& count)
      : count_(count), before_(count.fetch_add(1, std::memory_order_relaxed)) {}
  RequestInFlight(const RequestInFlight&) = delete;
  RequestInFlight& operator=(const RequestInFlight&) = delete;
  ~RequestInFlight() { count_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] bool is_within(unsigned limit) const { return limit == 0 || before_ < limit; }

 private:
  std::atomic<unsigned>& count_;
  const unsigned before_;
};

std::string_view host_of_origin(const config::Settings& settings) {
  const config::Endpoint& endpoint = settings.upstreams.front().endpoint;
  return endpoint.is_unix() ? std::string_view("localhost") : endpoint.host;
}

}  // namespace

Connection::Connection(Worker& worker, Socket socket, const Arrival& arrival)
    : worker_(worker),
      stream_(std::move(socket), worker.deadlines),
      arrival_(arrival),
      limits_{.head_bytes = worker.shared.settings.head_limit,
              .fields = worker.shared.settings.field_limit,
              .target_bytes = worker.shared.settings.target_limit} {
  worker_.shared.connections.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
  worker_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
}

void Connection::drain() {
  if (idle_) stream_.set_read_timeout(patience());
}

void Connection::end_stream() {
  if (endless_) stream_.close();
}

void Connection::abort() {
  stream_.reset();
}

awaitable<void> Connection::run() {
  const bool entered = co_await enter();
  if (entered) co_await serve();
  stream_.close();
}

// --- Who it is -----------------------------------------------------------------------------------

awaitable<bool> Connection::enter() {
  const config::Settings& settings = worker_.shared.settings;
  const SteadyClock::time_point give_up = SteadyClock::now() + settings.head_timeout;
  if (arrival_.is_unix) {
    trusted_ = true;
  } else {
    identify(arrival_.address);
  }
  if (settings.proxy_protocol) {
    const bool is_known = co_await read_proxy_header(give_up);
    if (!is_known) co_return false;
  }
  if (arrival_.tls) {
    const bool is_encrypted = co_await start_tls(give_up);
    co_return is_encrypted;
  }
  co_return true;
}

void Connection::identify(const asio::ip::address& address) {
  const bool is_mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  const asio::ip::address plain =
      is_mapped ? asio::ip::address(asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()))
                : address;
  address_ = plain;
  peer_ = plain.to_string();
  trusted_ = worker_.shared.trusted.contains(plain);
}

awaitable<bool> Connection::read_proxy_header(SteadyClock::time_point give_up) {
  if (!trusted_) {
    spdlog::debug("{}: closed, since a PROXY header counts from trusted_proxies alone", peer_);
    co_return false;
  }
  // Never more is read than belongs to the header: what follows may be TLS.
  std::string header;
  ProxyParse parsed = parse_proxy_header(header);
  while (parsed.state == ProxyParse::State::need_more) {
    const std::size_t before = header.size();
    header.resize(before + parsed.missing);
    const ReadResult read =
        co_await stream_.read_some({header.data() + before, parsed.missing}, left_until(give_up));
    if (read.status != IoStatus::ok) co_return false;
    header.resize(before + read.size);
    parsed = parse_proxy_header(header);
  }
  if (parsed.state == ProxyParse::State::refused) {
    spdlog::debug("{}: closed, since {}", peer_, describe(parsed.error));
    co_return false;
  }
  if (parsed.header.client) identify(*parsed.header.client);
  co_return true;
}

awaitable<bool> Connection::start_tls(SteadyClock::time_point give_up) {
  TlsSession session(worker_.shared.tls.context(), TlsSession::Role::server,
                     stream_.socket().native_handle(), {});
  const IoStatus started = co_await stream_.start_tls(std::move(session), left_until(give_up));
  if (started == IoStatus::ok) co_return true;
  if (started == IoStatus::failed && stream_.tls_failure() == "http request") {
    stream_.stop_tls();
    co_await refuse(400, "plain HTTP was sent where TLS is spoken; use https://");
    co_await linger();
  } else {
    spdlog::debug("{}: TLS did not come about: {}", peer_,
                  started == IoStatus::timed_out ? "too slow" : stream_.tls_failure());
  }
  co_return false;
}

// --- Its requests --------------------------------------------------------------------------------

awaitable<void> Connection::serve() {
  const config::Settings& settings = worker_.shared.settings;
  if (!trusted_ && !worker_.shared.addresses.take(address_, place_)) {
    co_await refuse(503, "too many connections from this address (connections_per_address)",
                    retry_soon);
    co_await linger();
    co_return;
  }
  while (true) {
    scanner_.reset();
    give_up_ = {};
    HeadRead head = take_head();
    while (head == HeadRead::need_more) {
      in_a_row_ = 0;
      idle_ = filled_ == 0;
      const milliseconds most = patience();
      const bool may_doze = idle_ && most > awake_time;
      // A client that ends its side behind its request is let go when it is to doze.
      const EndSeen end_seen = idle_ ? EndSeen::late : EndSeen::at_once;
      ReadResult read = co_await stream_.read_some(room(), may_doze ? awake_time : most, end_seen);
      if (read.status == IoStatus::timed_out && may_doze && !worker_.draining) {
        const ReadResult later = co_await doze(most - awake_time);
        read = later;
      }
      idle_ = false;
      if (read.status == IoStatus::ok) {
        filled_ += read.size;
        head = take_head();
      } else {
        head = read.status == IoStatus::timed_out && filled_ > 0 ? HeadRead::too_slow
                                                                 : HeadRead::ended;
      }
    }
    if (head == HeadRead::ended) break;
    if (head != HeadRead::complete) {
      co_await refuse_head(head);
      break;
    }
    stream_.set_write_pace(Pace(settings.minimum_rate, settings.rate_grace));
    if (head_.form == http::TargetForm::asterisk) {
      co_await answer_for_server();
      break;
    }
    std::optional<After> after;
    {
      const RequestInFlight in_flight(worker_.shared.requests);
      if (!in_flight.is_within(settings.request_limit)) {
        co_await refuse(503, "as many requests are in flight as may be (request_limit)",
                        retry_soon);
        after = After::close;
      } else {
        Exchange exchange(worker_, client(), head_, after_head(), routing_);
        after = exchange.begin();
        if (!after) {
          const After finished = co_await exchange.finish();
          after = finished;
        }
        endless_ = false;
        if (after == After::keep) consume(exchange.surplus());
      }
    }
    if (after == After::broken) {
      stream_.reset();
      break;
    }
    if (after == After::close) {
      co_await linger();
      break;
    }
    if (++in_a_row_ >= most_in_a_row) {
      in_a_row_ = 0;
      co_await asio::post(worker_.io, use_awaitable);
    }
  }
}

awaitable<void> Connection::refuse_head(HeadRead head) {
  const bool is_late = head == HeadRead::too_slow;
  co_await refuse(is_late ? 408 : http::status_for(refused_),
                  is_late ? "the request's head did not arrive in time" : http::describe(refused_));
  co_await linger();
}

// OPTIONS *: about this server as a whole (RFC 9110 9.3.7).
awaitable<void> Connection::answer_for_server() {
  scratch_.out =
      "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS, POST, PUT, PATCH, "
      "DELETE\r\nConnection: close\r\n\r\n";
  const IoStatus written =
      co_await stream_.write(scratch_.out, worker_.shared.settings.client_timeout);
  if (written == IoStatus::ok) co_await linger();
}

Client Connection::client() {
  ++served_;
  const unsigned most = worker_.shared.settings.requests_per_connection;
  return {.stream = stream_,
          .scratch = scratch_,
          .peer = peer_,
          .trusted = trusted_,
          .scheme = arrival_.tls ? "https" : "http",
          .is_last = most > 0 && served_ >= most,
          .endless = endless_};
}

Connection::HeadRead Connection::take_head() {
  if (filled_ == 0) return HeadRead::need_more;
  switch (http::read_request_head({buffer_.data(), filled_}, limits_, scanner_, head_, refused_,
                                  section_)) {
    case http::HeadScanner::State::need_more:
      return HeadRead::need_more;
    case http::HeadScanner::State::refused:
      return HeadRead::refused;
    case http::HeadScanner::State::complete:
      break;
  }
  // HTTP/1.0 may name none.
  if (head_.host.empty()) head_.host = host_of_origin(worker_.shared.settings);
  return HeadRead::complete;
}

std::span<char> Connection::room() {
  if (filled_ == buffer_.size()) buffer_.resize(std::max(first_buffer, buffer_.size() * 2));
  return {buffer_.data() + filled_, buffer_.size() - filled_};
}

// The first bytes of a head are waited for as long as a connection may be idle; a head that has
// begun has one deadline, however slowly its bytes drip.
milliseconds Connection::patience() {
  const config::Settings& settings = worker_.shared.settings;
  if (filled_ == 0 && worker_.draining)
    return served_ == 0 ? drain_patience_with_new : drain_patience;
  if (filled_ == 0) return settings.idle_timeout;
  if (give_up_ == SteadyClock::time_point{}) give_up_ = SteadyClock::now() + settings.head_timeout;
  return left_until(give_up_);
}

// After a while without a request no room is kept for one.
awaitable<ReadResult> Connection::doze(milliseconds patience) {
  // Assigning empty ones would keep the room.
  std::vector<char>().swap(buffer_);
  for (std::string* text : {&scratch_.out, &scratch_.key, &section_.text})
    std::string().swap(*text);
  routing_.clear();
  const IoStatus ready = co_await stream_.wait_readable(patience);
  if (ready != IoStatus::ok) co_return ReadResult{ready};
  const ReadResult read = co_await stream_.read_some(room(), awake_time);
  co_return read;
}

void Connection::consume(std::string_view surplus) {
  // `surplus` lies in this buffer behind the head, or in the exchange's own.
  if (surplus.size() > buffer_.size()) {
    std::vector<char> larger(surplus.begin(), surplus.end());
    buffer_.swap(larger);
  } else {
    std::copy(surplus.begin(), surplus.end(), buffer_.begin());
  }
  filled_ = surplus.size();
  if (filled_ == 0 && buffer_.size() > first_buffer) {
    buffer_.clear();
    buffer_.shrink_to_fit();
  }
  if (scratch_.out.capacity() > idle_scratch * 2) {
    scratch_.out.clear();
    scratch_.out.shrink_to_fit();
  }
}

awaitable<void> Connection::refuse(std::uint16_t status, std::string_view detail,
                                   std::string_view more) {
  const std::string problem = policy::format_problem(status, detail);
  scratch_.out = "HTTP/1.1 " + std::to_string(status) + " " +
                 std::string(policy::reason_phrase(status)) +
                 "\r\nContent-Type: application/problem+json\r\n" + std::string(more) +
                 "Content-Length: " + std::to_string(problem.size()) +
                 "\r\nConnection: close\r\n\r\n" + problem;
  ExchangeRecord record;
  record.began = worker_.shared.clock.now();
  record.peer = peer_.empty() ? std::string_view("unix") : peer_;
  record.status = status;
  record.content_sent = problem.size();
  worker_.records.note(record);
  const IoStatus ignored =
      co_await stream_.write(scratch_.out, worker_.shared.settings.client_timeout);
  (void)ignored;
}

// RFC 9112 9.6: closing with unread input makes the kernel send a reset, which can destroy the
// answer on its way. So: no more from us, and what still comes is read and dropped, within bounds.
awaitable<void> Connection::linger() {
  stream_.shutdown_write();
  std::array<char, 4096> dropped;
  const SteadyClock::time_point give_up = SteadyClock::now() + linger_timeout;
  for (std::size_t total = 0; total < linger_bytes && SteadyClock::now() < give_up;) {
    const ReadResult read = co_await stream_.read_some(dropped, left_until(give_up));
    if (read.status != IoStatus::ok) break;
    total += read.size;
  }
}

}  // namespace larder::session
