// Origin: one request's answer from the upstream application.
//
// What cannot be repeated goes out on a fresh connection. Requests with content: session/upload.
#pragma once

#include <functional>
#include <string_view>
#include <variant>

#include "session/origin_pool.hpp"

namespace larder::session {

/// The answer to one request: its head has been read, its content has not.
struct OriginAnswer {
  [[nodiscard]] const http::ResponseHead& head() const { return connection->head; }
  [[nodiscard]] BodyReader& content() const { return *connection->content; }

  OriginConnectionPointer connection;
};
using FetchResult = std::variant<OriginAnswer, FetchFailure>;

/// Told of each 1xx but 101 as it arrives; false: the client is gone.
using InterimSink = std::function<awaitable<bool>(const http::ResponseHead&)>;

/// Outlives its fetch.
struct FetchRequest {
  std::string_view head;  ///< as it goes out, final empty line included
  http::Method method = http::Method::get;
  bool repeatable =
      false;  ///< idempotent and without content: once more when a used connection died
  bool wants_upgrade = false;
  milliseconds first_byte_timeout{0};
  milliseconds response_timeout{0};  ///< from the head to the end; zero: none
  /// Asked while the request waits for its turn; empty: it waits for nobody in particular.
  Admission::HasLeft client_has_left{};
  InterimSink interim{};  ///< empty: nobody wants to know
};

/// Sends a request without content and reads the head of its answer.
[[nodiscard]] awaitable<FetchResult> fetch(OriginPool& pool, const FetchRequest& request);

/// What is left of the time for a head; asked before each read.
using HeadTimeout = std::function<milliseconds()>;
/// Reads heads until a final one, or a 101 that was asked for. What is passed outlives it.
[[nodiscard]] awaitable<FetchFailure> read_final_head(OriginConnection& connection,
                                                      const FetchRequest& request,
                                                      const config::Settings& settings,
                                                      const HeadTimeout& timeout);
/// What `connection` has read the head of. A stream of events, or what is no longer HTTP, gives its
/// `place` back: it may stay for hours, and nobody else could be served then.
[[nodiscard]] OriginAnswer make_answer(OriginConnectionPointer connection, Place place,
                                       const FetchRequest& request,
                                       const config::Settings& settings);
/// Content that may go on for ever, with long pauses.
[[nodiscard]] bool is_event_stream(std::string_view content_type);
/// What it means that the content ended so; `kind` is neither data nor end.
[[nodiscard]] FetchFailure failure_of(BodyPart::Kind kind);

}  // namespace larder::session
