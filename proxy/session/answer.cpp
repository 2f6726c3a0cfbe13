#include "session/answer.hpp"

#include <charconv>

#include "http/chunked.hpp"
#include "policy/cache_status.hpp"
#include "policy/detail_words.hpp"
#include "policy/forwarding.hpp"
#include "policy/problem.hpp"

namespace larder::session {

namespace {

/// Content up to this size is copied behind the head, so that one system call sends both.
constexpr std::size_t copied_content = 4096;

/// "Age: 7\r\n", with one look at the room that `out` has.
void append_number_line(std::string& out, std::string_view name_and_colon, std::uint64_t number) {
  char line[48];
  name_and_colon.copy(line, sizeof line);
  char* end = std::to_chars(line + name_and_colon.size(), line + sizeof line, number).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(line, end);
}

}  // namespace

void Answer::begin(std::uint16_t status, std::string_view reason) {
  record_.status = status;
  char line[16] = "HTTP/1.1 ";
  char* end = std::to_chars(line + 9, line + sizeof line, status).ptr;
  *end++ = ' ';
  head().assign(line, end).append(reason).append("\r\n");
}

void Answer::append_length(std::uint64_t length) {
  append_number_line(head(), "Content-Length: ", length);
}

void Answer::append_age(seconds age) {
  append_number_line(head(), "Age: ", static_cast<std::uint64_t>(age.count()));
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
  policy::append_cache_status(record_.cache, head());
  if (record_.id) head() += record_.id->line();
  if (!explanation_.empty()) {
    head() += explanation_;
    if (const std::string_view reason = policy::describe(record_.cache); !reason.empty())
      head().append("Larder-Reason: ").append(reason) += "\r\n";
  }
  if (!keep_alive_) {
    head() += "Connection: close\r\n";
  } else if (request_.version == http::Version::http_1_0) {
    head() += "Connection: keep-alive\r\n";
  }
  head() += "\r\n";
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
  std::string& out = head();
  if (content.size() <= copied_content) {
    out += content;
    content = {};
  }
  unsent_ = {out, content};
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
