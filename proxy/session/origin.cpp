#include "session/origin.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>

#include "http/chunked.hpp"

namespace larder::session {

namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);
constexpr std::size_t first_buffer = 8 * 1024;
constexpr int most_interims = 16;
/// How long a resolved name is believed: compose gives a recreated container a new address.
constexpr std::chrono::seconds name_is_believed{5};

class ConnectDeadline final : public Deadline {
 public:
  explicit ConnectDeadline(std::function<void()> cancel) : cancel_(std::move(cancel)) {}

 private:
  void on_expiry() override { cancel_(); }
  std::function<void()> cancel_;
};

}  // namespace

std::string_view describe(FetchFailure failure) {
  switch (failure) {
    case FetchFailure::none:
      return "nothing failed";
    case FetchFailure::name_not_resolved:
      return "the upstream's name could not be resolved";
    case FetchFailure::refused:
      return "the upstream refused the connection";
    case FetchFailure::connect_timed_out:
      return "the upstream did not accept a connection in time";
    case FetchFailure::closed_before_answer:
      return "the upstream closed the connection before it answered";
    case FetchFailure::first_byte_timed_out:
      return "the upstream did not answer in time";
    case FetchFailure::malformed_head:
      return "the upstream's answer is not valid HTTP";
    case FetchFailure::switched_unasked:
      return "the upstream switched protocols without being asked";
    case FetchFailure::interim_flood:
      return "the upstream sent too many interim responses";
    case FetchFailure::content_cut_off:
      return "the upstream's answer was cut off";
    case FetchFailure::content_malformed:
      return "the upstream's answer is not validly chunked";
    case FetchFailure::between_bytes_timed_out:
      return "the upstream stopped in the middle of its answer";
    case FetchFailure::client_gone:
      return "the request was cut off";
    case FetchFailure::client_timed_out:
      return "the request's content did not arrive in time";
    case FetchFailure::client_malformed:
      return "the request's content is not validly chunked";
    case FetchFailure::client_too_large:
      return "the request's content is larger than may be (body_limit)";
  }
  return {};
}

std::uint16_t status_for(FetchFailure failure) {
  switch (failure) {
    case FetchFailure::connect_timed_out:
    case FetchFailure::first_byte_timed_out:
    case FetchFailure::between_bytes_timed_out:
      return 504;
    case FetchFailure::client_gone:
    case FetchFailure::client_malformed:
      return 400;
    case FetchFailure::client_timed_out:
      return 408;
    case FetchFailure::client_too_large:
      return 413;
    case FetchFailure::none:
    case FetchFailure::name_not_resolved:
    case FetchFailure::refused:
    case FetchFailure::closed_before_answer:
    case FetchFailure::malformed_head:
    case FetchFailure::switched_unasked:
    case FetchFailure::interim_flood:
    case FetchFailure::content_cut_off:
    case FetchFailure::content_malformed:
      return 502;
  }
  return 502;
}

// ---------------------------------------------------------------------------------------------------

awaitable<FetchFailure> OriginConnection::read_head(http::Method method,
                                                    const http::HeadLimits& limits,
                                                    std::function<milliseconds()> timeout) {
  // Forget the interim head before this one; what came behind it stays.
  if (consumed_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
    filled_ -= consumed_;
    consumed_ = 0;
  }
  http::HeadScanner scanner;
  while (true) {
    const http::HeadScanner::State state = scanner.scan({buffer_.data(), filled_}, limits);
    if (state == http::HeadScanner::State::refused) co_return FetchFailure::malformed_head;
    if (state == http::HeadScanner::State::complete) break;
    if (filled_ == buffer_.size()) buffer_.resize(std::max(first_buffer, buffer_.size() * 2));
    const ReadResult read =
        co_await stream.read_some({buffer_.data() + filled_, buffer_.size() - filled_}, timeout());
    if (read.status == IoStatus::timed_out) co_return FetchFailure::first_byte_timed_out;
    if (read.status != IoStatus::ok)
      co_return filled_ > 0 ? FetchFailure::content_cut_off : FetchFailure::closed_before_answer;
    got_bytes = true;
    filled_ += read.size;
  }
  consumed_ = scanner.end();
  const http::HeadError error =
      http::parse_response_head({buffer_.data(), consumed_}, limits, method, head);
  co_return error == http::HeadError::none ? FetchFailure::none : FetchFailure::malformed_head;
}

std::string_view OriginConnection::after_head() const {
  return {buffer_.data() + consumed_, filled_ - consumed_};
}

// ---------------------------------------------------------------------------------------------------

OriginPool::OriginPool(asio::io_context& io, Deadlines& deadlines, const config::Settings& settings)
    : io_(io), deadlines_(deadlines), settings_(settings) {}

awaitable<OriginPool::Acquired> OriginPool::acquire(bool fresh) {
  while (!fresh && !idle_.empty()) {
    OriginConnectionPointer connection = std::move(idle_.back());
    idle_.pop_back();
    const bool too_old =
        SteadyClock::now() - connection->idle_since >= settings_.origin_idle_timeout;
    if (too_old || connection->stream.is_readable_now()) continue;
    connection->got_bytes = false;
    co_return connection;
  }
  Acquired connected = co_await connect();
  co_return connected;
}

void OriginPool::release(OriginConnectionPointer connection) {
  if (idle_.size() >= settings_.origin_idle_limit || settings_.origin_idle_timeout.count() == 0)
    return;
  connection->was_used = true;
  connection->filled_ = 0;
  connection->consumed_ = 0;
  connection->idle_since = SteadyClock::now();
  idle_.push_back(std::move(connection));
  if (!sweep_.is_linked()) deadlines_.set(sweep_, settings_.origin_idle_timeout);
}

void OriginPool::close_idle() {
  idle_.clear();
}

void OriginPool::sweep() {
  const SteadyClock::time_point now = SteadyClock::now();
  std::erase_if(idle_, [&](const OriginConnectionPointer& connection) {
    return now - connection->idle_since >= settings_.origin_idle_timeout;
  });
  if (!idle_.empty()) deadlines_.set(sweep_, settings_.origin_idle_timeout);
}

awaitable<FetchFailure> OriginPool::resolve() {
  error_code error;
  const asio::ip::address literal = asio::ip::make_address(settings_.upstream.host, error);
  if (!error) {
    endpoints_ = {{literal, settings_.upstream.port}};
    co_return FetchFailure::none;
  }
  if (!endpoints_.empty() && SteadyClock::now() - resolved_at_ < name_is_believed)
    co_return FetchFailure::none;
  asio::ip::basic_resolver<Tcp, Executor> resolver(io_);
  ConnectDeadline deadline([&resolver] { resolver.cancel(); });
  deadlines_.set(deadline, settings_.connect_timeout);
  auto [failure, results] = co_await resolver.async_resolve(
      settings_.upstream.host, std::to_string(settings_.upstream.port), as_result);
  if (failure)
    co_return deadline.is_expired() ? FetchFailure::connect_timed_out
                                    : FetchFailure::name_not_resolved;
  endpoints_.clear();
  for (const auto& result : results) endpoints_.push_back(result.endpoint());
  resolved_at_ = SteadyClock::now();
  co_return FetchFailure::none;
}

awaitable<OriginPool::Acquired> OriginPool::connect() {
  const FetchFailure unresolved = co_await resolve();
  if (unresolved != FetchFailure::none) co_return unresolved;
  FetchFailure last = FetchFailure::refused;
  const Endpoints endpoints = endpoints_;
  for (const Tcp::endpoint& endpoint : endpoints) {
    Socket socket(io_);
    error_code error;
    socket.open(asio::generic::stream_protocol(endpoint.protocol()), error);
    if (error) continue;
    socket.non_blocking(true, error);
    ConnectDeadline deadline([&socket] {
      error_code ignored;
      socket.cancel(ignored);
    });
    deadlines_.set(deadline, settings_.connect_timeout);
    const auto [failure] = co_await socket.async_connect(endpoint, as_result);
    if (!failure) {
      const int on = 1;
      ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      co_return std::make_unique<OriginConnection>(std::move(socket), deadlines_);
    }
    last = deadline.is_expired() ? FetchFailure::connect_timed_out : FetchFailure::refused;
  }
  resolved_at_ = {};  // the name may lead elsewhere by now
  co_return last;
}

// ---------------------------------------------------------------------------------------------------

namespace {

http::HeadLimits limits_of(const config::Settings& settings) {
  return {.head_bytes = settings.head_limit,
          .fields = settings.field_limit,
          .target_bytes = settings.target_limit};
}

/// Reads heads until a final one, or a 101 that was asked for.
awaitable<FetchFailure> read_final_head(OriginConnection& connection, const FetchRequest& request,
                                        const http::HeadLimits& limits, const InterimSink& interim,
                                        std::function<milliseconds()> timeout) {
  for (int interims = 0; interims <= most_interims; ++interims) {
    const FetchFailure failure = co_await connection.read_head(request.method, limits, timeout);
    if (failure != FetchFailure::none) co_return failure;
    const std::uint16_t status = connection.head.status;
    if (status >= 200) co_return FetchFailure::none;
    if (status == 101)
      co_return request.wants_upgrade ? FetchFailure::none : FetchFailure::switched_unasked;
    if (interim) {
      const bool delivered = co_await interim(connection.head);
      if (!delivered) co_return FetchFailure::client_gone;
    }
  }
  co_return FetchFailure::interim_flood;
}

OriginAnswer make_answer(OriginConnectionPointer connection, const config::Settings& settings) {
  const http::ResponseHead& head = connection->head;
  const auto type = head.fields.first(http::FieldName::content_type);
  const bool endless = type && type->starts_with("text/event-stream");
  OriginAnswer answer{.connection = std::move(connection), .content = nullptr, .prefix = {}};
  answer.content = std::make_unique<BodyReader>(
      answer.connection->stream, answer.connection->after_head(), answer.connection->head.framing,
      endless ? milliseconds{0} : settings.between_bytes_timeout);
  return answer;
}

}  // namespace

awaitable<FetchResult> fetch(OriginPool& pool, FetchRequest request, InterimSink interim) {
  const http::HeadLimits limits = limits_of(pool.settings());
  const milliseconds patience = request.first_byte_timeout;
  for (int attempt = 0;; ++attempt) {
    OriginPool::Acquired acquired = co_await pool.acquire(!request.repeatable || attempt > 0);
    if (const auto* failure = std::get_if<FetchFailure>(&acquired)) co_return *failure;
    OriginConnectionPointer connection = std::move(std::get<OriginConnectionPointer>(acquired));
    FetchFailure failure = FetchFailure::closed_before_answer;
    const IoStatus sent =
        co_await connection->stream.write(request.head, pool.settings().connect_timeout);
    if (sent == IoStatus::ok)
      failure = co_await read_final_head(*connection, request, limits, interim,
                                         [patience] { return patience; });
    if (failure == FetchFailure::none)
      co_return make_answer(std::move(connection), pool.settings());
    // RFC 9110 9.2.2: a used connection that died before any answer says nothing about the request.
    const bool died_idle = connection->was_used && !connection->got_bytes &&
                           failure == FetchFailure::closed_before_answer;
    if (!died_idle || !request.repeatable || attempt > 0) co_return failure;
  }
}

awaitable<void> Upload::run(Stream& origin, bool chunked, milliseconds first_byte_timeout,
                            milliseconds write_timeout) {
  while (true) {
    const BodyPart part = co_await content_.next();
    if (part.kind == BodyPart::Kind::data) {
      char room[20];
      const std::string_view size =
          chunked ? http::format_chunk_size(part.data.size(), room) : std::string_view();
      const IoStatus sent = co_await origin.write(
          {size, part.data, chunked ? std::string_view("\r\n") : std::string_view()},
          write_timeout);
      if (sent == IoStatus::ok) continue;
      break;  // the origin reads no further: its answer may be on its way all the same
    }
    if (part.kind == BodyPart::Kind::end) {
      complete_ = true;
      if (chunked) {
        const IoStatus sent = co_await origin.write("0\r\n\r\n", write_timeout);
        complete_ = sent == IoStatus::ok;
      }
      break;
    }
    failure_ = part.kind == BodyPart::Kind::timed_out   ? FetchFailure::client_timed_out
               : part.kind == BodyPart::Kind::malformed ? FetchFailure::client_malformed
               : part.kind == BodyPart::Kind::too_large ? FetchFailure::client_too_large
                                                        : FetchFailure::client_gone;
    // The origin must not take what it has for a whole request.
    origin.reset();
    break;
  }
  origin.set_read_timeout(first_byte_timeout);
  finished_ = true;
  done_.cancel();
}

awaitable<void> Upload::stop() {
  if (!started_) co_return;
  while (!finished_) {
    if (origin_) origin_->reset();
    client_.interrupt();
    done_.expires_after(std::chrono::seconds(1));
    const auto [ignored] = co_await done_.async_wait(as_result);
    (void)ignored;
  }
}

awaitable<FetchResult> fetch_with_content(OriginPool& pool, FetchRequest request, Upload& upload,
                                          InterimSink interim) {
  OriginPool::Acquired acquired = co_await pool.acquire(true);
  if (const auto* failure = std::get_if<FetchFailure>(&acquired)) co_return *failure;
  OriginConnectionPointer connection = std::move(std::get<OriginConnectionPointer>(acquired));
  const config::Settings& settings = pool.settings();
  const IoStatus sent = co_await connection->stream.write(request.head, settings.client_timeout);
  if (sent != IoStatus::ok) co_return FetchFailure::closed_before_answer;

  upload.started_ = true;
  upload.origin_ = &connection->stream;
  const bool chunked = upload.content_.framing().kind != http::BodyFraming::Kind::length;
  asio::co_spawn(connection->stream.socket().get_executor(),
                 upload.run(connection->stream, chunked, request.first_byte_timeout,
                            settings.first_byte_timeout),
                 asio::detached);
  const milliseconds patience = request.first_byte_timeout;
  const FetchFailure failure = co_await read_final_head(
      *connection, request, limits_of(settings), interim,
      [&upload, patience] { return upload.is_finished() ? patience : milliseconds{0}; });
  if (failure != FetchFailure::none) {
    co_await upload.stop();
    upload.origin_ = nullptr;
    co_return upload.failure() != FetchFailure::none ? upload.failure() : failure;
  }
  co_return make_answer(std::move(connection), settings);
}

}  // namespace larder::session
