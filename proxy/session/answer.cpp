#include "session/answer.hpp"

#include "http/chunked.hpp"
#include "policy/cache_status.hpp"
#include "policy/detail_words.hpp"
#include "policy/forwarding.hpp"
#include "policy/problem.hpp"

namespace larder::session {

namespace {

/// Content up to this size is copied behind the head, so that one system call sends both.
constexpr std::size_t copied_content = 4096;

/// Room that is taken at once: for one line, and for all those of a head that are this hop's own.
constexpr std::size_t usual_line = 64;
constexpr std::size_t usual_own_lines = 256;

void put_status_line(http::TextWriter& head, std::uint16_t status, std::string_view reason) {
  head.put("HTTP/1.1 ");
  head.put_three_digits(status);
  head.put(' ');
  head.put(reason);
  head.put("\r\n");
}

void put_length(http::TextWriter& head, std::uint64_t length) {
  head.put("Content-Length: ");
  head.put_number(length);
  head.put("\r\n");
}

void put_age(http::TextWriter& head, seconds age) {
  head.put("Age: ");
  head.put_number(static_cast<std::uint64_t>(age.count()));
  head.put("\r\n");
}

}  // namespace

void Answer::begin(std::uint16_t status, std::string_view reason) {
  record_.status = status;
  http::TextWriter text(head(), 0, usual_line);
  put_status_line(text, status, reason);
}

void Answer::append_length(std::uint64_t length) {
  http::TextWriter text(head(), usual_line);
  put_length(text, length);
}

void Answer::append_age(seconds age) {
  http::TextWriter text(head(), usual_line);
  put_age(text, age);
}

bool Answer::append_unknown_length() {
  if (request_.version == http::Version::http_1_1) {
    head() += "Transfer-Encoding: chunked\r\n";
    return true;
  }
  keep_alive_ = false;
  return false;
}

void Answer::end_head() {
  http::TextWriter text(head(), usual_own_lines);
  put_end_of_head(text);
}

void Answer::put_end_of_head(http::TextWriter& head) const {
  policy::put_cache_status(record_.cache, head);
  if (record_.id) head.put(record_.id->line());
  if (!explanation_.empty()) {
    head.put(explanation_);
    if (const std::string_view reason = policy::describe(record_.cache); !reason.empty()) {
      head.put("Larder-Reason: ");
      head.put(reason);
      head.put("\r\n");
    }
  }
  if (!keep_alive_) {
    head.put("Connection: close\r\n");
  } else if (request_.version == http::Version::http_1_0) {
    head.put("Connection: keep-alive\r\n");
  }
  head.put("\r\n");
}

std::string_view Answer::write(const WholeHead& whole, std::string_view content) {
  record_.status = whole.status;
  const bool is_copied = content.size() <= copied_content && request_.method != http::Method::head;
  const std::string_view copied = is_copied ? content : std::string_view();
  // This hop's own lines find room where the answer before had its.
  http::TextWriter text(head(), 0, whole.lines.size() + copied.size());
  put_status_line(text, whole.status, whole.reason);
  text.put(whole.lines);
  if (whole.length) put_length(text, *whole.length);
  if (whole.age) put_age(text, *whole.age);
  put_end_of_head(text);
  text.put(copied);
  record_.content_sent += copied.size();
  return is_copied ? std::string_view() : content;
}

void Answer::add(std::string_view piece, bool as_chunk) {
  char room[20];
  as_chunk = as_chunk && !piece.empty();
  if (as_chunk) head() += http::format_chunk_size(piece.size(), room);
  head() += piece;
  if (as_chunk) head() += "\r\n";
  record_.content_sent += piece.size();
}

awaitable<IoStatus> Answer::send(std::string_view piece, bool as_chunk) {
  char room[20];
  as_chunk = as_chunk && !piece.empty();
  if (as_chunk) head() += http::format_chunk_size(piece.size(), room);
  const IoStatus written = co_await client_.stream.write(
      {head(), piece, as_chunk ? std::string_view("\r\n") : std::string_view()}, timeout_);
  head().clear();
  if (written == IoStatus::ok) record_.content_sent += piece.size();
  co_return written;
}

awaitable<IoStatus> Answer::flush() {
  IoStatus written = IoStatus::ok;
  if (!head().empty()) written = co_await client_.stream.write(head(), timeout_);
  head().clear();
  co_return written;
}

After Answer::outcome(IoStatus written) const {
  if (written != IoStatus::ok) return After::broken;
  return keep_alive_ ? After::keep : After::close;
}

std::optional<After> Answer::finish_now(std::string_view content) {
  if (request_.method == http::Method::head) content = {};
  record_.content_sent += content.size();
  unsent_ = {head(), content};
  const std::optional<IoStatus> written = client_.stream.write_now(unsent_);
  if (!written) return std::nullopt;
  return outcome(*written);
}

awaitable<After> Answer::finish_rest() {
  const IoStatus written = co_await client_.stream.write(unsent_, timeout_);
  co_return outcome(written);
}

awaitable<After> Answer::finish() {
  const std::optional<After> now = finish_now();
  if (now) co_return *now;
  const After later = co_await finish_rest();
  co_return later;
}

void Answer::write_problem(std::uint16_t status, std::string_view detail) {
  const std::string problem = policy::format_problem(status, detail);
  begin(status, policy::reason_phrase(status));
  head() += "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n";
  if (status == 503) head() += "Retry-After: 1\r\n";
  append_length(problem.size());
  end_head();
  if (request_.method == http::Method::head) return;
  head() += problem;
  record_.content_sent += problem.size();
}

awaitable<After> Answer::send_problem(std::uint16_t status, std::string_view detail) {
  write_problem(status, detail);
  return finish();
}

awaitable<bool> Answer::send_interim(const http::ResponseHead& told) {
  std::string head = "HTTP/1.1 " + std::to_string(told.status);
  head.append(" ").append(policy::reason_phrase(told.status)).append("\r\n");
  policy::append_end_to_end(told, false, head);
  head += "\r\n";
  const IoStatus written = co_await client_.stream.write(head, timeout_);
  co_return written == IoStatus::ok;
}

}  // namespace larder::session
