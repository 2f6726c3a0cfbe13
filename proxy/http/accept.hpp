// Accept: what a client prefers of what is on offer (RFC 9110 12.5.1), made into one of few classes
// so that browsers do not each get a variant of their own.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

/// Media types in the server's order of preference, taken apart once for all requests. Those that
/// are malformed are never chosen.
class OfferedTypes {
 public:
  OfferedTypes() = default;
  explicit OfferedTypes(std::span<const std::string> types);

  struct Type {
    std::string text;  ///< as written
    std::string name;  ///< "type/subtype" in lower case
    std::size_t slash = 0;
    std::string parameters;  ///< ";a=b" in lower case, but for quoted text
  };
  using Types = std::vector<Type>;
  /// Never null. Shared by all copies, and so long as somebody holds it no other's.
  [[nodiscard]] const std::shared_ptr<const Types>& types() const { return types_; }

 private:
  std::shared_ptr<const Types> types_ = std::make_shared<const Types>();
};

/// The normalised form of an Accept value against the types on offer:
///  - "*/*" when the field is absent, empty, or accepts everything alike;
///  - the offered type that is preferred by quality, then by the specificity with which it was
///  named, then
///    by the order in which the client names it, then the server's order. An offered type matched
///    only by a wildcard loses to one that is named (browsers: text/html named, */*;q=0.8);
///  - otherwise (nothing offered is acceptable, or the value is malformed) the value itself in
///  lower
///    case without whitespace, prefixed by "=" so that it cannot equal one of the above.
/// A view into `offered`, or into `room`, which is written to for that last form alone.
[[nodiscard]] std::string_view normalise_accept(std::string_view value, const OfferedTypes& offered,
                                                std::string& room);

/// What values of Accept came to of late: browsers send a handful, and reading one of theirs takes
/// 1,000 to 3,000 instructions, finding it here 100. Of one thread; of bounded size: a value has
/// one place, which the next one that belongs there takes.
class AcceptMemory {
 public:
  /// As normalise_accept().
  [[nodiscard]] std::string_view normalise(std::string_view value, const OfferedTypes& offered,
                                           std::string& room);

  static constexpr std::size_t places = 32;
  static constexpr std::size_t longest_value = 256;

 private:
  struct Place {
    std::shared_ptr<const OfferedTypes::Types> types;  ///< null: nothing is remembered here
    std::string value;
    std::string_view normal;  ///< into `types`, or a literal
  };
  std::array<Place, places> places_;
};

}  // namespace larder::http
