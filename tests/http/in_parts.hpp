// In parts: the verdict over a head, read whole, in two parts at every place, and byte by byte.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "http/request_head.hpp"
#include "http/response_head.hpp"

namespace larder::http {

/// What became of some bytes: refused with `error`, or taken as `head`, or still waiting.
struct Verdict {
  HeadError error = HeadError::none;
  bool is_complete = false;
  std::size_t size = 0;
  std::string head;  ///< every parsed value, one a line
  bool operator==(const Verdict&) const = default;
};

inline void describe_fields(std::string& text, const Fields& fields) {
  for (const FieldLine& line : fields)
    text.append(line.name)
        .append("=")
        .append(line.value)
        .append("|")
        .append(format_field_name(line.id))
        .append("\n");
}

inline std::string describe_framing(const BodyFraming& framing) {
  constexpr std::string_view kinds[] = {"none", "length", "chunked", "until close"};
  return std::string(kinds[static_cast<int>(framing.kind)]) + " " + std::to_string(framing.length);
}

inline std::string describe_head(const RequestHead& head) {
  std::string text;
  text.append(head.method_text).append(" ").append(std::to_string(static_cast<int>(head.method)));
  text.append("\n").append(std::to_string(static_cast<int>(head.form))).append(" ");
  text.append(head.path).append("\n").append(head.query ? "?" : "-");
  text.append(head.query.value_or("")).append("\n").append(head.host).append("\n");
  text.append(std::to_string(static_cast<int>(head.version))).append("\n");
  describe_fields(text, head.fields);
  text.append(describe_framing(head.framing));
  text.append(head.keep_alive ? " keep" : " close").append(head.expects_continue ? " 100" : "");
  return text;
}

inline std::string describe_head(const ResponseHead& head) {
  std::string text = std::to_string(static_cast<int>(head.version)) + " ";
  text.append(std::to_string(head.status)).append(" ").append(head.reason).append("\n");
  describe_fields(text, head.fields);
  text.append(describe_framing(head.framing)).append(head.keep_alive ? " keep" : " close");
  return text;
}

/// Scans growing prefixes of `bytes`, of the sizes in `cuts` and then whole, and parses once
/// complete. Every prefix stands in memory of its own size, where a sanitizer sees a look too far.
template <typename Head, typename Parse>
Verdict read_in_parts(std::string_view bytes, const std::vector<std::size_t>& cuts,
                      const HeadLimits& limits, Parse parse) {
  HeadScanner scanner;
  const auto look = [&](std::size_t size, Verdict& verdict) {
    const auto room = std::make_unique<char[]>(size);
    std::memcpy(room.get(), bytes.data(), size);
    switch (scanner.scan({room.get(), size}, limits)) {
      case HeadScanner::State::need_more:
        return false;
      case HeadScanner::State::refused:
        verdict.error = scanner.error();
        return true;
      case HeadScanner::State::complete:
        break;
    }
    const auto exact = std::make_unique<char[]>(scanner.end());
    std::memcpy(exact.get(), bytes.data(), scanner.end());
    Head head;
    verdict.error = parse(std::string_view(exact.get(), scanner.end()), limits, head);
    if (verdict.error == HeadError::none) {
      verdict.is_complete = true;
      verdict.size = head.size;
      verdict.head = describe_head(head);
      CHECK(head.size == scanner.end());
    }
    return true;
  };
  Verdict verdict;
  for (const std::size_t cut : cuts) {
    if (look(cut, verdict)) return verdict;
  }
  look(bytes.size(), verdict);
  return verdict;
}

/// The verdict over the whole, after a check that no way of cutting it in parts changes it.
template <typename Head, typename Parse>
Verdict read_every_way(std::string_view bytes, const HeadLimits& limits, Parse parse) {
  const Verdict whole = read_in_parts<Head>(bytes, {}, limits, parse);
  std::vector<std::size_t> all_cuts;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    all_cuts.push_back(cut);
    if (bytes.size() > 600 && cut % 97 != 0) continue;
    CAPTURE(cut);
    CHECK(read_in_parts<Head>(bytes, {cut}, limits, parse) == whole);
  }
  if (bytes.size() <= 600) CHECK(read_in_parts<Head>(bytes, all_cuts, limits, parse) == whole);
  return whole;
}

/// As a connection does it: bytes up to each of `cuts`, and then whole.
inline Verdict read_as_it_arrives(std::string_view bytes, const std::vector<std::size_t>& cuts,
                                  const HeadLimits& limits) {
  HeadScanner scanner;
  RequestHead head;
  Verdict verdict;
  const auto look = [&](std::size_t size) {
    const auto room = std::make_unique<char[]>(size);
    std::memcpy(room.get(), bytes.data(), size);
    const HeadScanner::State state =
        read_request_head({room.get(), size}, limits, scanner, head, verdict.error);
    if (state != HeadScanner::State::complete) return state == HeadScanner::State::refused;
    verdict = {HeadError::none, true, head.size, describe_head(head)};
    return true;
  };
  for (const std::size_t cut : cuts) {
    if (look(cut)) return verdict;
  }
  look(bytes.size());
  return verdict;
}

inline Verdict read_request(std::string_view bytes, const HeadLimits& limits = {}) {
  const Verdict whole = read_every_way<RequestHead>(bytes, limits, parse_request_head);
  CHECK(read_as_it_arrives(bytes, {}, limits) == whole);
  for (const std::size_t cut : {bytes.size() / 3, bytes.size() - bytes.size() / 8}) {
    CAPTURE(cut);
    CHECK(read_as_it_arrives(bytes, {cut}, limits) == whole);
  }
  return whole;
}

inline Verdict read_response(std::string_view bytes, Method method = Method::get,
                             const HeadLimits& limits = {}) {
  return read_every_way<ResponseHead>(
      bytes, limits, [&](std::string_view head_bytes, const HeadLimits& l, ResponseHead& head) {
        return parse_response_head(head_bytes, l, method, head);
      });
}

}  // namespace larder::http
