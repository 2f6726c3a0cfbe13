#include "session/connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "policy/problem.hpp"

namespace larder::session {

namespace {

constexpr std::size_t first_buffer = 4 * 1024;
/// What an idle connection may keep of its scratch.
constexpr std::size_t idle_scratch = 4 * 1024;
constexpr milliseconds linger_timeout{1000};
constexpr std::size_t linger_bytes = 256 * 1024;

std::string_view host_of_origin(const config::Settings& settings) {
  const config::Endpoint& endpoint = settings.upstreams.front().endpoint;
  return endpoint.is_unix() ? std::string_view("localhost") : endpoint.host;
}

}  // namespace

Connection::Connection(Worker& worker, Socket socket, std::string peer, bool trusted)
    : worker_(worker),
      stream_(std::move(socket), worker.deadlines),
      peer_(std::move(peer)),
      trusted_(trusted),
      limits_{.head_bytes = worker.shared.settings.head_limit,
              .fields = worker.shared.settings.field_limit,
              .target_bytes = worker.shared.settings.target_limit} {
  worker_.shared.connections.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
  worker_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
}

void Connection::drain() {
  if (idle_) stream_.interrupt();
}

void Connection::abort() {
  stream_.reset();
}

awaitable<void> Connection::run() {
  while (true) {
    const HeadRead read = co_await read_head();
    if (read == HeadRead::ended) break;
    if (read == HeadRead::refused) {
      const std::uint16_t status = timed_out_ ? 408 : http::status_for(refused_);
      co_await refuse(status, timed_out_ ? "the request's head did not arrive in time"
                                         : http::describe(refused_));
      co_await linger();
      break;
    }
    if (head_.form == http::TargetForm::asterisk) {
      // OPTIONS *: about this server as a whole (RFC 9110 9.3.7).
      out_ =
          "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS, POST, PUT, PATCH, "
          "DELETE\r\nConnection: close\r\n\r\n";
      const IoStatus written = co_await stream_.write(out_, worker_.shared.settings.client_timeout);
      if (written == IoStatus::ok) co_await linger();
      break;
    }
    const std::string_view after_head(buffer_.data() + head_.size, filled_ - head_.size);
    Exchange exchange(worker_, Client{stream_, out_, peer_, trusted_}, head_, after_head);
    const After after = co_await exchange.run();
    if (after == After::broken) {
      stream_.reset();
      break;
    }
    if (after == After::close) {
      co_await linger();
      break;
    }
    consume(exchange.surplus());
  }
  stream_.close();
}

awaitable<Connection::HeadRead> Connection::read_head() {
  const config::Settings& settings = worker_.shared.settings;
  scanner_.reset();
  timed_out_ = false;
  SteadyClock::time_point give_up{};
  while (true) {
    if (filled_ > 0) {
      const http::HeadScanner::State state = scanner_.scan({buffer_.data(), filled_}, limits_);
      if (state == http::HeadScanner::State::refused) {
        refused_ = scanner_.error();
        co_return HeadRead::refused;
      }
      if (state == http::HeadScanner::State::complete) {
        refused_ = http::parse_request_head({buffer_.data(), scanner_.end()}, limits_, head_);
        if (refused_ != http::HeadError::none) co_return HeadRead::refused;
        if (head_.host.empty()) head_.host = host_of_origin(settings);  // HTTP/1.0 may name none
        co_return HeadRead::complete;
      }
    }
    if (filled_ == buffer_.size()) buffer_.resize(std::max(first_buffer, buffer_.size() * 2));
    milliseconds timeout = settings.idle_timeout;
    if (filled_ > 0) {
      // The whole head has one deadline, however slowly its bytes drip.
      const SteadyClock::time_point now = SteadyClock::now();
      if (give_up == SteadyClock::time_point{}) give_up = now + settings.head_timeout;
      timeout = std::max(std::chrono::ceil<milliseconds>(give_up - now), milliseconds{1});
    }
    if (worker_.draining && filled_ == 0) co_return HeadRead::ended;
    idle_ = filled_ == 0;
    const ReadResult read =
        co_await stream_.read_some({buffer_.data() + filled_, buffer_.size() - filled_}, timeout);
    idle_ = false;
    if (read.status == IoStatus::timed_out && filled_ > 0) {
      timed_out_ = true;
      co_return HeadRead::refused;
    }
    if (read.status != IoStatus::ok) co_return HeadRead::ended;
    filled_ += read.size;
  }
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
  if (out_.capacity() > idle_scratch * 2) {
    out_.clear();
    out_.shrink_to_fit();
  }
}

awaitable<void> Connection::refuse(std::uint16_t status, std::string_view detail) {
  const std::string problem = policy::format_problem(status, detail);
  out_ = "HTTP/1.1 " + std::to_string(status) + " " + std::string(policy::reason_phrase(status)) +
         "\r\nContent-Type: application/problem+json\r\nContent-Length: " +
         std::to_string(problem.size()) + "\r\nConnection: close\r\n\r\n" + problem;
  ExchangeRecord record;
  record.began = worker_.shared.clock.now();
  record.peer = peer_;
  record.status = status;
  record.content_sent = problem.size();
  worker_.shared.records.note(record);
  const IoStatus ignored = co_await stream_.write(out_, worker_.shared.settings.client_timeout);
  (void)ignored;
}

// RFC 9112 9.6: closing with unread input makes the kernel send a reset, which can destroy the
// answer on its way. So: no more from us, and what still comes is read and dropped, within bounds.
awaitable<void> Connection::linger() {
  stream_.shutdown_write();
  std::array<char, 4096> dropped;
  for (std::size_t total = 0; total < linger_bytes;) {
    const ReadResult read = co_await stream_.read_some(dropped, linger_timeout);
    if (read.status != IoStatus::ok) break;
    total += read.size;
  }
}

}  // namespace larder::session
