#include "session/origin.hpp"

#include <utility>

namespace larder::session {

namespace {

constexpr int most_interims = 16;

}  // namespace

awaitable<FetchFailure> read_final_head(OriginConnection& connection, const FetchRequest& request,
                                        const config::Settings& settings,
                                        const HeadTimeout& timeout) {
  const http::HeadLimits limits = head_limits(settings);
  bool in_doubt = false;  // an interim response has announced content
  for (int interims = 0; interims <= most_interims; ++interims) {
    std::optional<FetchFailure> taken = connection.take_head(request.method, limits);
    while (!taken) {
      const ReadResult read = co_await connection.stream.read_some(connection.room(), timeout());
      const FetchFailure failure = connection.note_read(read);
      if (failure != FetchFailure::none) co_return failure;
      taken = connection.take_head(request.method, limits);
    }
    if (*taken != FetchFailure::none) co_return *taken;
    const std::uint16_t status = connection.head.status;
    if (status >= 200) {
      if (in_doubt) connection.head.keep_alive = false;
      co_return FetchFailure::none;
    }
    in_doubt = in_doubt || !connection.head.keep_alive;
    if (status == 101)
      co_return request.wants_upgrade ? FetchFailure::none : FetchFailure::switched_unasked;
    if (request.interim) {
      const bool delivered = co_await request.interim(connection.head);
      if (!delivered) co_return FetchFailure::client_gone;
    }
    connection.begin_head();
  }
  co_return FetchFailure::interim_flood;
}

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view name = "text/event-stream";
  return http::equals_ignoring_case(content_type.substr(0, name.size()), name);
}

OriginAnswer make_answer(OriginConnectionPointer connection, Place place,
                         const FetchRequest& request, const config::Settings& settings) {
  const http::ResponseHead& head = connection->head;
  const auto type = head.fields.first(http::FieldName::content_type);
  const bool endless = type && is_event_stream(*type);
  if (!endless && head.status != 101) connection->place = std::move(place);
  connection->content.emplace(connection->stream, connection->after_head(), head.framing,
                              endless ? milliseconds{0} : settings.between_bytes_timeout);
  if (!endless && request.response_timeout.count() > 0)
    connection->content->end_by(SteadyClock::now() + request.response_timeout);
  return OriginAnswer{std::move(connection)};
}

FetchFailure failure_of(BodyPart::Kind kind) {
  switch (kind) {
    case BodyPart::Kind::timed_out:
      return FetchFailure::between_bytes_timed_out;
    case BodyPart::Kind::out_of_time:
      return FetchFailure::response_timed_out;
    case BodyPart::Kind::malformed:
      return FetchFailure::content_malformed;
    case BodyPart::Kind::too_large:
    case BodyPart::Kind::cut_off:
    case BodyPart::Kind::data:
    case BodyPart::Kind::end:
      break;
  }
  return FetchFailure::content_cut_off;
}

namespace {

/// What has been read already, where that is the final head, as it is as a rule. Nothing: it is
/// less, or an interim one.
std::optional<FetchFailure> take_final_head(OriginConnection& connection, http::Method method,
                                            const http::HeadLimits& limits) {
  const std::optional<FetchFailure> taken = connection.take_head(method, limits);
  const bool is_interim = taken == FetchFailure::none && connection.head.status < 200;
  return is_interim ? std::nullopt : taken;
}

}  // namespace

awaitable<FetchResult> fetch(OriginPool& pool, const FetchRequest& request) {
  std::optional<Place> place = pool.admit_now();
  if (!place) {
    Admission::Admitted admitted = co_await pool.admit(request.client_has_left);
    if (const auto* failure = std::get_if<FetchFailure>(&admitted)) co_return *failure;
    place = std::move(std::get<Place>(admitted));
  }
  const http::HeadLimits limits = head_limits(pool.settings());
  for (int attempt = 0;; ++attempt) {
    const bool fresh = !request.repeatable || attempt > 0;
    std::optional<Backends::Chosen> turn;
    OriginConnectionPointer connection;
    if (!fresh) connection = pool.acquire_now(turn.emplace(), SteadyClock::now());
    if (!connection) {
      OriginPool::Acquired acquired = co_await pool.acquire(fresh, std::move(turn));
      if (const auto* failure = std::get_if<FetchFailure>(&acquired)) co_return *failure;
      connection = std::move(std::get<OriginConnectionPointer>(acquired));
    }
    // One deadline for all of the head, however slowly its bytes drip.
    const SteadyClock::time_point give_up = SteadyClock::now() + request.first_byte_timeout;
    const ReadResult read =
        co_await connection->stream.ask(request.head, pool.settings().connect_timeout,
                                        connection->room(), request.first_byte_timeout);
    FetchFailure failure = connection->note_read(read);
    if (failure == FetchFailure::none && read.is_unasked) {
      const IoStatus sent =
          co_await connection->stream.write(request.head, pool.settings().connect_timeout);
      if (sent != IoStatus::ok) failure = FetchFailure::closed_before_answer;
    }
    if (failure == FetchFailure::none) {
      const std::optional<FetchFailure> taken =
          take_final_head(*connection, request.method, limits);
      if (taken) {
        failure = *taken;
      } else {
        const HeadTimeout timeout = [give_up] { return time_until(give_up); };
        failure = co_await read_final_head(*connection, request, pool.settings(), timeout);
      }
    }
    if (failure == FetchFailure::none) {
      pool.backends().note_success(connection->backend);
      co_return make_answer(std::move(connection), *std::move(place), request, pool.settings());
    }
    // RFC 9110 9.2.2: a used connection that died before any answer says nothing about the request.
    const bool died_idle = connection->was_used && !connection->got_bytes &&
                           failure == FetchFailure::closed_before_answer;
    if (!died_idle && is_backends_fault(failure))
      pool.backends().note_failure(connection->backend, describe(failure));
    if (!died_idle || !request.repeatable || attempt > 0) co_return failure;
  }
}

}  // namespace larder::session
