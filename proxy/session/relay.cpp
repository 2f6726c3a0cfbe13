#include "session/relay.hpp"

#include <utility>

#include "http/date.hpp"
#include "policy/forwarding.hpp"
#include "policy/problem.hpp"

namespace larder::session {

using Framing = http::BodyFraming::Kind;

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Pieces up to this size are copied behind what is to be sent, so that one system call sends
/// several.
constexpr std::size_t small_piece = 4 * 1024;
constexpr std::size_t most_gathered = 16 * 1024;

/// The same line for a second, and the same for all requests of a thread.
void append_date(policy::SystemSeconds now, std::string& out) {
  static thread_local policy::SystemSeconds at{};
  static thread_local std::string line;
  if (line.empty() || at != now) {
    at = now;
    line = "Date: " + http::format_date(now) + "\r\n";
  }
  out += line;
}

}  // namespace

awaitable<After> relay(OriginAnswer from, Upload* upload, RelayTo to) {
  const http::ResponseHead& told = from.head();
  // Judged by what has been sent so far: an upload that is still running may never end.
  if (upload && !upload->is_complete()) to.answer.close_afterwards();

  const auto type = told.fields.first(http::FieldName::content_type);
  if (type && is_event_stream(*type)) to.answer.note_endless();

  to.answer.begin(told.status,
                  told.reason.empty() ? policy::reason_phrase(told.status) : told.reason);
  std::string& head = to.answer.head();
  // Some applications answer with the id that they were told; the client gets it from here.
  static const std::vector<std::string> ours{"x-request-id"};
  static const std::vector<std::string> none;
  policy::append_end_to_end(told, false, to.record.id ? ours : none, head);
  // RFC 9110 6.6.1: what came without Date gets one from whoever passes it on.
  if (!told.fields.has(http::FieldName::date)) append_date(to.now, head);
  head += "Via: 1.1 larder\r\n";
  bool chunked = false;
  bool head_waits = false;
  switch (told.framing.kind) {
    case Framing::none:
      // To HEAD, and with 304: what a GET's answer would have been long.
      if (const auto length = told.fields.first(http::FieldName::content_length);
          length && told.status != 204 && is_number(*length))
        head.append("Content-Length: ").append(*length).append("\r\n");
      break;
    case Framing::length:
      to.answer.append_length(told.framing.length);
      // Content of known length follows at once as a rule, and its head waits for it: one system
      // call fewer. A stream's head goes out as soon as nothing else is there, so that events
      // arrive as they happen.
      head_waits = true;
      break;
    case Framing::chunked:
    case Framing::until_close:
      chunked = to.answer.append_unknown_length();
      break;
  }
  to.answer.end_head();
  return relay_content(std::move(from), upload, chunked, head_waits, to);
}

awaitable<After> relay_content(OriginAnswer from, Upload* upload, bool chunked, bool head_waits,
                               RelayTo to) {
  const http::ResponseHead& told = from.head();
  BodyReader& content = from.content();
  std::string& prefix = from.connection->prefix;
  std::string_view last;  // with which the answer ends
  if (to.watch) to.watch->take_content(prefix);
  while (told.framing.kind != Framing::none) {
    std::string_view data = prefix;
    if (data.empty()) {
      BodyPart part = content.next_ready();
      if (part.kind == BodyPart::Kind::data && part.data.empty()) {
        if (!head_waits) {
          const IoStatus written = co_await to.answer.flush();
          if (written != IoStatus::ok) co_return After::broken;
        }
        part = co_await content.next();
      }
      if (part.kind == BodyPart::Kind::end) break;
      if (part.kind != BodyPart::Kind::data) {
        to.record.failure = failure_of(part.kind);
        co_return After::broken;
      }
      data = part.data;
      if (to.watch) to.watch->take_content(data);
      if (content.is_at_end() && !chunked) {
        // One plain send of both takes the kernel 160 ns less than a gathered one of two pieces.
        if (data.size() <= small_piece) {
          to.answer.add(data, false);
        } else {
          last = data;
        }
        break;
      }
    }
    if (!head_waits && data.size() <= small_piece && to.answer.head().size() <= most_gathered) {
      // Until something has to be waited for, or enough has come together.
      to.answer.add(data, chunked);
    } else {
      const IoStatus written = co_await to.answer.send(data, chunked);
      if (written != IoStatus::ok) co_return After::broken;
    }
    prefix.clear();
  }
  if (chunked) {
    to.answer.head() += "0\r\n";
    policy::append_trailers(content.trailers(), to.request.fields, to.answer.head());
    to.answer.head() += "\r\n";
  }
  std::optional<After> after = to.answer.finish_now(last);
  if (!after) {
    const After later = co_await to.answer.finish_rest();
    after = later;
  }
  if (*after == After::broken) co_return *after;
  if (upload && !upload->is_complete()) co_await upload->stop();
  // gunicorn sends content in answer to HEAD all the same: whatever has none may be followed by
  // some, which the next request on the connection would take for its answer.
  const bool is_clean = told.framing.kind != Framing::none && content.surplus().empty();
  // And an origin that left a request's content unread would take it for the next request.
  if (told.keep_alive && !upload && is_clean) to.pool.release(std::move(from.connection));
  co_return *after;
}

}  // namespace larder::session
