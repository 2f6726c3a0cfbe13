#include "session/sending.hpp"

#include <array>
#include <random>
#include <utility>

#include "coding/gzip.hpp"
#include "policy/preconditions.hpp"
#include "policy/problem.hpp"
#include "policy/selection.hpp"

namespace larder::session {

namespace {

constexpr std::size_t decoded_at_once = 32 * 1024;

/// 128 random bits, so that no content has it (RFC 2046 5.1.1).
std::string make_boundary() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  static constexpr char hex[] = "0123456789abcdef";
  std::string boundary;
  for (int word = 0; word < 2; ++word) {
    std::uint64_t bits = random();
    for (int digit = 0; digit < 16; ++digit, bits >>= 4) boundary += hex[bits & 15];
  }
  return boundary;
}

void begin(Answer& answer, std::uint16_t status) {
  answer.begin(status, policy::reason_phrase(status));
}

void end_head(Answer& answer, std::optional<seconds> age) {
  if (age) answer.append_age(*age);
  answer.end_head();
}

/// Decoded while it is sent, so that a large one takes no memory of its own.
awaitable<After> send_decoded(Answer& answer, std::string_view coded) {
  coding::GzipDecompressor gzip(coded);
  const auto room = std::make_unique_for_overwrite<char[]>(decoded_at_once);
  while (true) {
    const coding::GzipDecompressor::Piece piece = gzip.next({room.get(), decoded_at_once});
    if (piece.error != coding::CodingError::none) co_return After::broken;
    const IoStatus sent = co_await answer.send({room.get(), piece.size}, false);
    if (sent != IoStatus::ok) co_return After::broken;
    if (piece.is_end) break;
  }
  const After after = co_await answer.finish();
  co_return after;
}

awaitable<After> send_whole(Answer& answer, const http::RequestHead& request,
                            const policy::StoredResponse& stored,
                            const policy::Selection& selection, std::optional<seconds> age) {
  begin(answer, stored.status);
  answer.head() += policy::head_of(selection, stored);
  if (stored.status != 204) answer.append_length(selection.length);
  end_head(answer, age);
  After after = After::broken;
  if (selection.decoded && request.method != http::Method::head) {
    after = co_await send_decoded(answer, stored.content.view());
  } else {
    after = co_await answer.finish_with(stored.content.view());
  }
  co_return after;
}

awaitable<After> send_not_modified(Answer& answer, const policy::StoredResponse& stored,
                                   const policy::Selection& selection, std::optional<seconds> age) {
  begin(answer, 304);
  policy::append_not_modified_fields(policy::head_of(selection, stored), answer.head());
  end_head(answer, age);
  const After after = co_await answer.finish();
  co_return after;
}

awaitable<After> send_no_such_range(Answer& answer, std::uint64_t length) {
  begin(answer, 416);
  answer.head() += "Content-Range: " + policy::format_unsatisfied_range(length) + "\r\n";
  answer.append_length(0);
  end_head(answer, std::nullopt);
  const After after = co_await answer.finish();
  co_return after;
}

awaitable<After> send_ranges(Answer& answer, const policy::StoredResponse& stored,
                             const policy::Selection& selection, const http::ByteRanges& ranges,
                             std::optional<seconds> age) {
  policy::SharedBytes decoded;
  std::string_view content = stored.content.view();
  if (selection.decoded) {
    coding::CodingResult result = coding::decompress_gzip(content, selection.length);
    if (std::holds_alternative<coding::CodingError>(result)) co_return After::broken;
    decoded = std::get<policy::SharedBytes>(std::move(result));
    content = decoded.view();
  }
  const std::string_view head = policy::head_of(selection, stored);
  begin(answer, 206);
  policy::Multipart parts{{""}, "", ranges.front().size()};
  if (ranges.size() == 1) {
    policy::append_partial_fields(head, answer.head());
    answer.head() +=
        "Content-Range: " + policy::format_content_range(ranges.front(), selection.length) + "\r\n";
  } else {
    const std::string boundary = make_boundary();
    parts =
        policy::make_multipart(ranges, selection.length, policy::read_content_type(head), boundary);
    policy::append_multipart_fields(head, boundary, answer.head());
  }
  answer.append_length(parts.length);
  end_head(answer, age);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    answer.head() += parts.part_heads[i];
    const IoStatus sent =
        co_await answer.send(content.substr(ranges[i].first, ranges[i].size()), false);
    if (sent != IoStatus::ok) co_return After::broken;
  }
  answer.head() += parts.end;
  const After after = co_await answer.finish();
  co_return after;
}

}  // namespace

awaitable<After> send_stored(Answer& answer, const http::RequestHead& request,
                             policy::StoredResponsePointer stored, std::optional<seconds> age,
                             policy::SystemSeconds now) {
  const policy::Selection selection = policy::select(request, *stored, now);
  After after = After::broken;
  if (selection.not_modified) {
    after = co_await send_not_modified(answer, *stored, selection, age);
  } else if (std::holds_alternative<policy::NoSuchRange>(selection.range)) {
    after = co_await send_no_such_range(answer, selection.length);
  } else if (const auto* one = std::get_if<policy::OneRange>(&selection.range)) {
    const http::ByteRanges ranges{one->range};
    after = co_await send_ranges(answer, *stored, selection, ranges, age);
  } else if (const auto* several = std::get_if<policy::SeveralRanges>(&selection.range)) {
    after = co_await send_ranges(answer, *stored, selection, several->ranges, age);
  } else {
    after = co_await send_whole(answer, request, *stored, selection, age);
  }
  co_return after;
}

}  // namespace larder::session
