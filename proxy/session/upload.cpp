#include "session/upload.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "http/chunked.hpp"

namespace larder::session {

namespace {
constexpr auto as_result = asio::as_tuple(use_awaitable);
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
  finished_at_ = SteadyClock::now();
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

awaitable<FetchResult> fetch_with_content(OriginPool& pool, const FetchRequest& request,
                                          Upload& upload) {
  Admission::Admitted admitted = co_await pool.admit(request.client_has_left);
  if (const auto* refused = std::get_if<FetchFailure>(&admitted)) co_return *refused;
  Place place = std::move(std::get<Place>(admitted));
  OriginPool::Acquired acquired = co_await pool.acquire(true);
  if (const auto* failure = std::get_if<FetchFailure>(&acquired)) co_return *failure;
  OriginConnectionPointer connection = std::move(std::get<OriginConnectionPointer>(acquired));
  const config::Settings& settings = pool.settings();
  const IoStatus sent = co_await connection->stream.write(request.head, settings.client_timeout);
  if (sent != IoStatus::ok) {
    pool.backends().note_failure(connection->backend, describe(FetchFailure::closed_before_answer));
    co_return FetchFailure::closed_before_answer;
  }

  upload.started_ = true;
  upload.origin_ = &connection->stream;
  const bool chunked = upload.content_.framing().kind != http::BodyFraming::Kind::length;
  asio::co_spawn(connection->stream.socket().get_executor(),
                 upload.run(connection->stream, chunked, request.first_byte_timeout,
                            settings.first_byte_timeout),
                 asio::detached);
  const milliseconds patience = request.first_byte_timeout;
  const HeadTimeout timeout = [&upload, patience] {
    return upload.is_finished() ? time_until(upload.finished_at() + patience) : milliseconds{0};
  };
  FetchFailure failure = co_await read_final_head(*connection, request, settings, timeout);
  if (failure != FetchFailure::none) {
    co_await upload.stop();
    upload.origin_ = nullptr;
    if (upload.failure() != FetchFailure::none) failure = upload.failure();
    if (is_backends_fault(failure))
      pool.backends().note_failure(connection->backend, describe(failure));
    co_return failure;
  }
  pool.backends().note_success(connection->backend);
  co_return make_answer(std::move(connection), std::move(place), request, settings);
}

}  // namespace larder::session
