// Structured field: Lists, Dictionaries and Items (RFC 9651, which has RFC 8941 within it).
//
// Strict: whatever the algorithms of RFC 9651 4.2 do not take makes the whole field as if it were
// not there. Lines of one field are joined by ", " before (Fields::combined). Each bound is what
// every parser has to support at least (RFC 9651 3), and one for the text as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace larder::http::structured {

inline constexpr std::size_t most_members = 1024;     ///< of a List or Dictionary
inline constexpr std::size_t most_inner_items = 256;  ///< of an Inner List
inline constexpr std::size_t most_parameters = 256;   ///< of an Item or Inner List
inline constexpr std::size_t most_bytes = 64 * 1024;  ///< of the text of a field

struct Decimal {
  std::int64_t thousandths = 0;
  bool operator==(const Decimal&) const = default;
};
struct Token {
  std::string text;
  bool operator==(const Token&) const = default;
};
struct ByteSequence {
  std::string bytes;
  bool operator==(const ByteSequence&) const = default;
};
struct Date {
  std::int64_t seconds = 0;  ///< since 1970, leap seconds not counted
  bool operator==(const Date&) const = default;
};
struct DisplayString {
  std::string utf8;
  bool operator==(const DisplayString&) const = default;
};
/// std::int64_t is an Integer, std::string a String, bool a Boolean.
using BareItem = std::variant<std::int64_t, Decimal, std::string, Token, ByteSequence, bool, Date,
                              DisplayString>;

/// Of a name that is there twice, the last value counts, in the place of the first.
struct Parameter {
  std::string key;
  BareItem value;
  bool operator==(const Parameter&) const = default;
};
using Parameters = std::vector<Parameter>;

struct Item {
  BareItem value;
  Parameters parameters{};
  bool operator==(const Item&) const = default;
};
struct InnerList {
  std::vector<Item> items{};
  Parameters parameters{};
  bool operator==(const InnerList&) const = default;
};
using Member = std::variant<Item, InnerList>;
using List = std::vector<Member>;

struct DictionaryMember {
  std::string key;
  Member value;  ///< Boolean true where the text has a name alone
  bool operator==(const DictionaryMember&) const = default;
};
/// Names occur once, as with Parameters.
using Dictionary = std::vector<DictionaryMember>;

/// An empty text is an empty List or Dictionary, but no Item. Nothing: the field is to be ignored.
[[nodiscard]] std::optional<List> parse_list(std::string_view text);
[[nodiscard]] std::optional<Dictionary> parse_dictionary(std::string_view text);
[[nodiscard]] std::optional<Item> parse_item(std::string_view text);

/// The value of an Item of that type; null for another type or an Inner List. Points into `member`.
template <typename Type>
[[nodiscard]] const Type* value_as(const Member& member) {
  const Item* const item = std::get_if<Item>(&member);
  return item ? std::get_if<Type>(&item->value) : nullptr;
}

}  // namespace larder::http::structured
