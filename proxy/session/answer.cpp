#include "session/answer.hpp"

#include <charconv>

#include "http/chunked.hpp"
#include "policy/cache_status.hpp"
#include "policy/forwarding.hpp"
#include "policy/problem.hpp"

namespace larder::session {

namespace {

/// Content up to this size is copied behind the head, so that one system call sends both.
constexpr std::size_t copied_content = 4096;

void append_number(std::string& out, std::uint64_t number) {
  char room[24];
  const auto [end, error] = std::to_chars(room, room + sizeof room, number);
  out.append(room, end);
}

}  // namespace

void Answer::begin(std::uint16_t status, std::string_view reason) {
  record_.status = status;
  client_.out.assign("HTTP/1.1 ");
  append_number(client_.out, status);
  client_.out += ' ';
  client_.out += reason;
  client_.out += "\r\n";
}

void Answer::append_length(std::uint64_t length) {
  client_.out += "Content-Length: ";
  append_number(client_.out, length);
  client_.out += "\r\n";
}

void Answer::append_age(seconds age) {
  client_.out += "Age: ";
  append_number(client_.out, static_cast<std::uint64_t>(age.count()));
  client_.out += "\r\n";
}

bool Answer::append_unknown_length() {
  if (request_.version == http::Version::http_1_1) {
    client_.out += "Transfer-Encoding: chunked\r\n";
    return true;
  }
  keep_alive_ = false;
  return false;
}

void Answer::end_head() {
  policy::append_cache_status(record_.cache, client_.out);
  if (!keep_alive_) {
    client_.out += "Connection: close\r\n";
  } else if (request_.version == http::Version::http_1_0) {
    client_.out += "Connection: keep-alive\r\n";
  }
  client_.out += "\r\n";
}

awaitable<IoStatus> Answer::send(std::string_view piece, bool as_chunk) {
  char room[20];
  as_chunk = as_chunk && !piece.empty();
  if (as_chunk) client_.out += http::format_chunk_size(piece.size(), room);
  const IoStatus written = co_await client_.stream.write(
      {client_.out, piece, as_chunk ? std::string_view("\r\n") : std::string_view()}, timeout_);
  client_.out.clear();
  if (written == IoStatus::ok) record_.content_sent += piece.size();
  co_return written;
}

awaitable<IoStatus> Answer::flush() {
  IoStatus written = IoStatus::ok;
  if (!client_.out.empty()) written = co_await client_.stream.write(client_.out, timeout_);
  client_.out.clear();
  co_return written;
}

awaitable<After> Answer::finish() {
  const IoStatus written = co_await flush();
  if (written != IoStatus::ok) co_return After::broken;
  co_return keep_alive_ ? After::keep : After::close;
}

awaitable<After> Answer::finish_with(std::string_view content) {
  if (request_.method == http::Method::head) content = {};
  record_.content_sent = content.size();
  if (content.size() <= copied_content) {
    client_.out += content;
    content = {};
  }
  const IoStatus written = co_await client_.stream.write({client_.out, content, {}}, timeout_);
  if (written != IoStatus::ok) co_return After::broken;
  co_return keep_alive_ ? After::keep : After::close;
}

awaitable<After> Answer::send_problem(std::uint16_t status, std::string_view detail) {
  const std::string problem = policy::format_problem(status, detail);
  begin(status, policy::reason_phrase(status));
  client_.out += "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n";
  if (status == 503) client_.out += "Retry-After: 1\r\n";
  append_length(problem.size());
  end_head();
  const After after = co_await finish_with(problem);
  co_return after;
}

awaitable<bool> Answer::send_interim(const http::ResponseHead& told) {
  std::string head = "HTTP/1.1 ";
  append_number(head, told.status);
  head.append(" ").append(policy::reason_phrase(told.status)).append("\r\n");
  policy::append_end_to_end(told, false, head);
  head += "\r\n";
  const IoStatus written = co_await client_.stream.write(head, timeout_);
  co_return written == IoStatus::ok;
}

}  // namespace larder::session
