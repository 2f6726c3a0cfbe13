// Span: Larder's own place in a trace while it answers one request (W3C Trace Context).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/message.hpp"
#include "http/trace_parent.hpp"
#include "session/random.hpp"

namespace larder::session {

/// One that is to be recorded. What it is called is text as it goes over the wire.
class Span {
 public:
  Span(const http::TraceParent* caller, Random& random) {
    constexpr std::string_view form = "00-00000000000000000000000000000000-0000000000000000-01";
    std::copy(form.begin(), form.end(), field_.begin());
    if (caller) {
      std::copy(caller->trace_id.begin(), caller->trace_id.end(), field_.begin() + 3);
      std::copy(caller->parent_id.begin(), caller->parent_id.end(), parent_.begin());
    } else {
      random.write_hex(std::span(field_).subspan<3, 32>());
    }
    has_parent_ = caller != nullptr;
    random.write_hex(std::span(field_).subspan<36, 16>());
  }

  [[nodiscard]] std::string_view trace_id() const { return trace_parent().substr(3, 32); }
  [[nodiscard]] std::string_view id() const { return trace_parent().substr(36, 16); }
  /// Empty: the trace begins here.
  [[nodiscard]] std::string_view parent_id() const {
    return {parent_.data(), has_parent_ ? parent_.size() : 0};
  }
  /// What the origin is told: this span is the parent of its.
  [[nodiscard]] std::string_view trace_parent() const { return {field_.data(), field_.size()}; }

 private:
  std::array<char, 55> field_;
  std::array<char, 16> parent_{};
  bool has_parent_ = false;
};

/// The span of a request, if there is to be one: its caller says so, or, where there is no caller,
/// so many of a million requests are chosen.
[[nodiscard]] inline std::optional<Span> begin_span(const http::Fields& fields, unsigned chosen,
                                                    Random& random) {
  std::optional<http::TraceParent> caller;
  if (fields.count(http::FieldName::traceparent) == 1)
    caller = http::parse_trace_parent(*fields.first(http::FieldName::traceparent));
  const bool is_recorded = caller ? caller->is_sampled : random.next() % 1'000'000 < chosen;
  if (!is_recorded) return std::nullopt;
  return std::optional<Span>(std::in_place, caller ? &*caller : nullptr, random);
}

}  // namespace larder::session
