#include "session/sending.hpp"

#include <array>
#include <memory>
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

}  // namespace

std::optional<After> Sending::start(Answer& answer, const http::RequestHead& request,
                                    policy::StoredResponsePointer stored,
                                    std::optional<seconds> age, policy::SystemSeconds now) {
  stored_ = std::move(stored);
  content_ = write_head(answer, request, age, now);
  const auto* piece = std::get_if<Piece>(&content_);
  return piece ? answer.finish_now(piece->bytes) : std::nullopt;
}

awaitable<After> Sending::finish(Answer& answer) {
  return std::visit([&](const auto& content) { return send(answer, content); }, content_);
}

Sending::Content Sending::write_head(Answer& answer, const http::RequestHead& request,
                                     std::optional<seconds> age, policy::SystemSeconds now) const {
  const policy::Selection selection = policy::select(request, *stored_, now);
  const std::string_view head = policy::head_of(selection, *stored_);
  if (selection.not_modified) {
    begin(answer, 304);
    policy::append_not_modified_fields(head, answer.head());
    end_head(answer, age);
    return Piece{};
  }
  if (std::holds_alternative<policy::NoSuchRange>(selection.range)) {
    begin(answer, 416);
    answer.head() +=
        "Content-Range: " + policy::format_unsatisfied_range(selection.length) + "\r\n";
    answer.append_length(0);
    end_head(answer, std::nullopt);
    return Piece{};
  }
  if (const auto* one = std::get_if<policy::OneRange>(&selection.range))
    return write_partial_head(answer, selection, {one->range}, age);
  if (const auto* several = std::get_if<policy::SeveralRanges>(&selection.range))
    return write_partial_head(answer, selection, several->ranges, age);
  const Answer::WholeHead whole{
      .status = stored_->status,
      .reason = policy::reason_phrase(stored_->status),
      .lines = head,
      .length = stored_->status != 204 ? std::optional(selection.length) : std::nullopt,
      .age = age};
  const bool is_sent_decoded = selection.decoded && request.method != http::Method::head;
  const std::string_view left =
      answer.write(whole, is_sent_decoded ? std::string_view() : stored_->content.view());
  if (is_sent_decoded) return Decoded{};
  return Piece{left};
}

Sending::Content Sending::write_partial_head(Answer& answer, const policy::Selection& selection,
                                             http::ByteRanges ranges,
                                             std::optional<seconds> age) const {
  Parts parts{.ranges = std::move(ranges), .decoded = {}, .frame = {{""}, "", 0}};
  if (selection.decoded) {
    coding::CodingResult result =
        coding::decompress_gzip(stored_->content.view(), selection.length);
    if (std::holds_alternative<coding::CodingError>(result)) return Unreadable{};
    parts.decoded = std::get<policy::SharedBytes>(std::move(result));
  }
  const std::string_view head = policy::head_of(selection, *stored_);
  begin(answer, 206);
  if (parts.ranges.size() == 1) {
    parts.frame.length = parts.ranges.front().size();
    policy::append_partial_fields(head, answer.head());
    answer.head() +=
        "Content-Range: " + policy::format_content_range(parts.ranges.front(), selection.length) +
        "\r\n";
  } else {
    const std::string boundary = make_boundary();
    parts.frame = policy::make_multipart(parts.ranges, selection.length,
                                         policy::read_content_type(head), boundary);
    policy::append_multipart_fields(head, boundary, answer.head());
  }
  answer.append_length(parts.frame.length);
  end_head(answer, age);
  return parts;
}

awaitable<After> Sending::send(Answer& answer, Piece) const {
  return answer.finish_rest();
}

awaitable<After> Sending::send(Answer& answer, Decoded) const {
  coding::GzipDecompressor gzip(stored_->content.view());
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

awaitable<After> Sending::send(Answer&, Unreadable) const {
  co_return After::broken;
}

awaitable<After> Sending::send(Answer& answer, const Parts& parts) const {
  const std::string_view content =
      parts.decoded.data ? parts.decoded.view() : stored_->content.view();
  for (std::size_t i = 0; i < parts.ranges.size(); ++i) {
    answer.head() += parts.frame.part_heads[i];
    const IoStatus sent =
        co_await answer.send(content.substr(parts.ranges[i].first, parts.ranges[i].size()), false);
    if (sent != IoStatus::ok) co_return After::broken;
  }
  answer.head() += parts.frame.end;
  const After after = co_await answer.finish();
  co_return after;
}

void note_reuse(const policy::Reuse& reuse, ExchangeRecord& record) {
  record.cache.result =
      reuse.ttl > seconds{0} ? policy::CacheResult::hit : policy::CacheResult::stale;
  record.cache.forward.reset();
  record.cache.ttl = reuse.ttl;
  record.cache.detail = reuse.detail;
}

}  // namespace larder::session
