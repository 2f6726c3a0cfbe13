#include "session/origin.hpp"

#include <utility>

namespace larder::session {

namespace {

constexpr int most_interims = 16;

http::HeadLimits limits_of(const config::Settings& settings) {
  return {.head_bytes = settings.head_limit,
          .fields = settings.field_limit,
          .target_bytes = settings.target_limit};
}

}  // namespace

awaitable<FetchFailure> read_final_head(OriginConnection& connection, const FetchRequest& request,
                                        const config::Settings& settings,
                                        const InterimSink& interim,
                                        std::function<milliseconds()> timeout) {
  const http::HeadLimits limits = limits_of(settings);
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

awaitable<FetchResult> fetch(OriginPool& pool, FetchRequest request, InterimSink interim) {
  const milliseconds patience = request.first_byte_timeout;
  for (int attempt = 0;; ++attempt) {
    OriginPool::Acquired acquired = co_await pool.acquire(!request.repeatable || attempt > 0);
    if (const auto* failure = std::get_if<FetchFailure>(&acquired)) co_return *failure;
    OriginConnectionPointer connection = std::move(std::get<OriginConnectionPointer>(acquired));
    FetchFailure failure = FetchFailure::closed_before_answer;
    const IoStatus sent =
        co_await connection->stream.write(request.head, pool.settings().connect_timeout);
    if (sent == IoStatus::ok)
      failure = co_await read_final_head(*connection, request, pool.settings(), interim,
                                         [patience] { return patience; });
    if (failure == FetchFailure::none)
      co_return make_answer(std::move(connection), pool.settings());
    // RFC 9110 9.2.2: a used connection that died before any answer says nothing about the request.
    const bool died_idle = connection->was_used && !connection->got_bytes &&
                           failure == FetchFailure::closed_before_answer;
    if (!died_idle || !request.repeatable || attempt > 0) co_return failure;
  }
}

}  // namespace larder::session
