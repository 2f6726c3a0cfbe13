#include "policy/lookup.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "http/accept.hpp"
#include "http/accept_language.hpp"
#include "http/bytes.hpp"
#include "http/cache_control.hpp"
#include "http/content_coding.hpp"
#include "http/cookies.hpp"
#include "http/hex.hpp"
#include "http/target.hpp"
#include "http/text_writer.hpp"
#include "identity/digest.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

/// Ends every part of a key; never occurs inside one.
constexpr char end_of_part = ';';
/// Before the parts that tell the variants of one URL apart, where there may be any number of them.
constexpr char start_of_variant = '|';
/// Room for what usually stands in a key beside the path, taken at once.
constexpr std::size_t usual_key_size = 128;
constexpr std::size_t usual_variant_size = 64;

constexpr std::array<bool, 256> make_plain_in_keys() {
  std::array<bool, 256> plain{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-._~/:=&?+,*@!$'()[]"))
    plain[static_cast<unsigned char>(c)] = true;
  return plain;
}
constexpr std::array<bool, 256> plain_in_keys = make_plain_in_keys();

/// Beyond what most texts in keys are made of.
struct NotUsualInKeys {
  static auto of(http::Bytes bytes) {
    return ((bytes | 0x20) - 'a' >= 26) & (bytes - '-' > ':' - '-') & (bytes != '_') &
           (bytes != '*');
  }
};
struct UpperCase {
  static auto of(http::Bytes bytes) { return bytes - 'A' < 26; }
};

constexpr char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

enum Case : bool { as_it_is, in_lower_case };

template <Case letters = as_it_is>
void put_escaped(http::TextWriter& key, std::string_view value) {
  static constexpr char hex[] = "0123456789ABCDEF";
  const bool stays = http::has_none<NotUsualInKeys>(value) &&
                     (letters == as_it_is || http::has_none<UpperCase>(value));
  if (stays) return key.put(value);
  char* at = key.need(3 * value.size());
  for (const char letter : value) {
    const auto byte = static_cast<unsigned char>(letter);
    if (plain_in_keys[byte]) {
      *at++ = letters == in_lower_case ? lower(letter) : letter;
      continue;
    }
    for (const char one : {'%', hex[byte >> 4], hex[byte & 15]}) *at++ = one;
  }
  key.wrote(at);
}

std::string to_lower(std::string_view text) {
  std::string lowered(text);
  for (char& letter : lowered) letter = lower(letter);
  return lowered;
}

using Parameters = http::QueryParameters;

/// The request's parameters, sorted by name.
std::optional<Parameters> sorted_parameters(std::string_view query) {
  std::optional<Parameters> parameters = http::parse_query(query);
  if (parameters) parameters->sort_by_name();
  return parameters;
}

/// Gives each piece of the query that counts to `put`.
template <class Counts, class Put>
void put_query(const Parameters& parameters, const Counts& is_counted, const Put& put) {
  bool first = true;
  for (const http::QueryParameter& parameter : parameters) {
    if (!is_counted(parameter.name)) continue;
    if (!first) put("&");
    first = false;
    put(parameter.name);
    if (!parameter.has_equals) continue;
    put("=");
    put(parameter.value);
  }
}

bool has_session_cookie(const http::Fields& fields, std::span<const std::string> names) {
  return fields.has(FieldName::cookie) &&
         std::any_of(names.begin(), names.end(), [&](const std::string& name) {
           return http::find_cookie(fields, name).has_value();
         });
}

/// A field that makes variants, by its name in lower case.
struct VariantName {
  std::string_view text;
  FieldName id = FieldName::unknown;
  const VaryField* rule = nullptr;  ///< which says what is on offer; null: nothing
};

struct VariantValue {
  std::optional<std::string_view> text;  ///< nothing: absent
  bool is_open = false;                  ///< as KeyedField has it
};

/// The normalised value of a field that makes variants. Views into the request and the rule, or
/// into the rooms, which are written to when a value has to be put together.
class VariantValues {
 public:
  explicit VariantValues(const LookupFacts& facts)
      : fields_(facts.head.fields), accepts_(facts.accepts) {}

  VariantValue of(const VariantName& name) {
    std::optional<std::string_view> value = name.id == FieldName::unknown
                                                ? fields_.combined(name.text, joined_)
                                                : fields_.combined(name.id, joined_);
    if (name.id == FieldName::accept) {
      const std::string_view normal = normalise_accept(value.value_or(""), name.rule);
      return {normal, normal.starts_with('=')};
    }
    if (name.id == FieldName::accept_language) {
      const std::span<const std::string> offered =
          name.rule ? std::span(name.rule->offered) : std::span<const std::string>();
      if (value) value = http::normalise_accept_language(*value, offered, normal_);
      return {value, offered.empty()};
    }
    if (name.id == FieldName::accept_encoding)
      return {http::AcceptEncoding(fields_).normal_form(), false};
    return {value, true};
  }

 private:
  std::string_view normalise_accept(std::string_view value, const VaryField* rule) {
    static const http::OfferedTypes nothing;
    const http::OfferedTypes& offered = rule ? rule->types : nothing;
    return accepts_ ? accepts_->normalise(value, offered, normal_)
                    : http::normalise_accept(value, offered, normal_);
  }

  const http::Fields& fields_;
  http::AcceptMemory* accepts_;
  std::string joined_;
  std::string normal_;
};

/// Gives each field that makes variants and its value to `take`, in one order for keys and fills:
/// the rule's fields, learned ones, then other X-Forwarded-*.
template <class Take>
void for_each_variant_field(const LookupFacts& facts, const LearnedVary::Names& learned,
                            const Take& take) {
  const RouteRule& rule = *facts.match.rule;
  VariantValues values(facts);
  for (const VaryField& field : rule.vary)
    take(field.name, values.of({field.name, field.id, &field}));
  for (const std::string& name : learned)
    take(name, values.of({name, http::parse_field_name(name)}));
  for (const KeyPart& part : rule.key.parts) {
    if (part.kind != KeyPart::Kind::header) continue;
    VariantValue value = values.of({part.text, http::parse_field_name(part.text)});
    value.is_open = false;  // the rule has made it part of the URL
    take(part.text, value);
  }
  if (!facts.forwarded.trusted) return;
  for (const http::FieldLine& line : facts.head.fields) {
    if (line.id != FieldName::unknown || !is_other_forwarded(line.name) ||
        may_pose_as_another(line.name))
      continue;
    take(to_lower(line.name), VariantValue{line.value, true});
  }
}

std::vector<KeyedField> keyed_fields(const LookupFacts& facts, const LearnedVary::Names& learned) {
  std::vector<KeyedField> keyed;
  for_each_variant_field(facts, learned, [&](std::string_view name, const VariantValue& value) {
    KeyedField& field = keyed.emplace_back();
    field.name = name;
    if (value.text) field.value.emplace(*value.text);
    field.is_open = value.is_open;
  });
  return keyed;
}

/// Those that clients may choose freely come last, behind a bar.
void make_variant_fields(const LookupFacts& facts, const LearnedVary::Names& learned,
                         http::TextWriter& key) {
  const auto put = [&key](std::string_view name, const VariantValue& value) {
    put_escaped(key, name);
    if (value.text) {
      key.put('=');
      put_escaped(key, *value.text);
    }
    key.put(end_of_part);
  };
  bool any_open = false;
  for_each_variant_field(facts, learned, [&](std::string_view name, const VariantValue& value) {
    any_open = any_open || value.is_open;
    if (!value.is_open) put(name, value);
  });
  if (!any_open) return;
  key.put(start_of_variant);
  for_each_variant_field(facts, learned, [&](std::string_view name, const VariantValue& value) {
    if (value.is_open) put(name, value);
  });
}

void put_variant_fields(const LookupFacts& facts, const LearnedVary::Names& learned,
                        http::TextWriter& key) {
  VariantMemory* const memory = facts.variants;
  const std::uint64_t section = facts.head.section;
  if (!memory || section == 0) return make_variant_fields(facts, learned, key);
  if (memory->section != section || memory->rule != facts.match.rule ||
      memory->learned != &learned) {
    *memory = {std::string(), section, facts.match.rule, &learned};
    http::TextWriter text(memory->text, usual_variant_size);
    make_variant_fields(facts, learned, text);
  }
  key.put(memory->text);
}

/// Null under another share, and when nobody is told.
const identity::Identity* user_of(const LookupFacts& facts) {
  if (facts.match.rule->share != Share::per_user || !facts.who) return nullptr;
  return std::get_if<identity::Identity>(facts.who);
}

Detail detail_of(const identity::Identification* who) {
  using identity::Unidentified;
  using identity::Unverified;
  const auto* nobody = who ? std::get_if<identity::NotIdentified>(who) : nullptr;
  if (!nobody) return Detail::no_identity;
  switch (nobody->why) {
    case Unidentified::no_credentials:
      return Detail::no_identity;
    case Unidentified::several:
      return Detail::several_identities;
    case Unidentified::token:
      break;
  }
  switch (nobody->token) {
    case Unverified::malformed:
      return Detail::token_malformed;
    case Unverified::algorithm:
      return Detail::token_algorithm;
    case Unverified::signature:
      return Detail::token_signature;
    case Unverified::expired:
      return Detail::token_expired;
    case Unverified::not_yet_valid:
      return Detail::token_not_yet_valid;
    case Unverified::audience:
      return Detail::token_audience;
    case Unverified::issuer:
      return Detail::token_issuer;
    case Unverified::claims:
      break;
  }
  return Detail::token_claims;
}

void put_claim(const identity::Identity* user, const std::string& name, http::TextWriter& key) {
  if (!user || !user->token) return;
  for (const auto& [claim, json] : user->token->claims) {
    if (claim != name) continue;
    key.put('=');
    key.put(identity::digest_of({json}));
  }
}

/// `parameters`: of the request's query.
void put_part(const KeyPart& part, const LookupFacts& facts, const Parameters& parameters,
              http::TextWriter& key) {
  switch (part.kind) {
    case KeyPart::Kind::literal:
      put_escaped(key, part.text);
      return;  // the rule's own: the same for all its keys
    case KeyPart::Kind::path:
      key.put(facts.path);
      break;
    case KeyPart::Kind::query_all:
    case KeyPart::Kind::query_only:
    case KeyPart::Kind::query_except:
      put_query(
          parameters, [&](std::string_view name) { return part.counts_parameter(name); },
          [&](std::string_view piece) { key.put(piece); });
      break;
    case KeyPart::Kind::header:
      return;  // among the keyed fields
    case KeyPart::Kind::cookie:
      if (const auto value = http::find_cookie(facts.head.fields, part.text)) {
        key.put('=');
        put_escaped(key, *value);
      }
      break;
    case KeyPart::Kind::path_parameter:
      for (const auto& [name, value] : facts.match.parameters) {
        if (name == part.text) key.put(value);
      }
      break;
    case KeyPart::Kind::claim:
      put_claim(user_of(facts), part.text, key);
      break;
  }
  key.put(end_of_part);
}

void put_key(const LookupFacts& facts, const LearnedVary::Names& learned,
             const Parameters& parameters, http::TextWriter& key) {
  const RouteRule& rule = *facts.match.rule;
  key.wrote(http::write_hex(rule.fingerprint, key.need(http::hex_digits)));
  key.put(end_of_part);
  put_escaped(key, facts.forwarded.proto);
  key.put("://");
  put_escaped<in_lower_case>(key, facts.head.host);
  if (facts.forwarded.host != facts.head.host) {
    key.put('@');
    put_escaped(key, facts.forwarded.host);
  }
  key.put(end_of_part);
  if (const identity::Identity* const user = user_of(facts)) {
    key.put("user=");
    key.put(*user->digest);
    key.put(end_of_part);
  }
  for (const KeyPart& part : rule.key.parts) put_part(part, facts, parameters, key);
  put_variant_fields(facts, learned, key);
}

/// "Content-Length: 0" announces none.
bool has_content(const http::BodyFraming& framing) {
  return framing.kind != http::BodyFraming::Kind::none &&
         !(framing.kind == http::BodyFraming::Kind::length && framing.length == 0);
}

}  // namespace

LookupDecision decide_lookup(const LookupFacts& facts) {
  const http::RequestHead& head = facts.head;
  if (head.method != http::Method::get && head.method != http::Method::head)
    return PassOn{ForwardReason::method};
  if (facts.ambiguous) return PassOn{ForwardReason::bypass, Detail::ambiguous_target};
  if (!facts.match.rule) return PassOn{ForwardReason::bypass, Detail::no_rule};
  if (facts.match.rule->mode == Mode::off) return PassOn{ForwardReason::bypass, Detail::mode_off};
  if (has_content(head.framing)) return PassOn{ForwardReason::bypass, Detail::request_content};

  const http::Fields& fields = head.fields;
  // RFC 9111 4.3.2: conditions that are not for a cache to judge.
  if (fields.has_any({FieldName::if_match, FieldName::if_unmodified_since}))
    return PassOn{ForwardReason::bypass, Detail::conditional_request};
  if (fields.has(FieldName::upgrade)) return PassOn{ForwardReason::bypass, Detail::upgrade_request};

  LookUp look_up;
  if (facts.match.rule->share == Share::anonymous &&
      (fields.has(FieldName::authorization) || has_session_cookie(fields, facts.session_cookies))) {
    if (!facts.match.rule->origin) return PassOn{ForwardReason::bypass, Detail::credentials};
    look_up.demands.has_credentials = true;
  }
  if (facts.match.rule->share == Share::per_user && !user_of(facts))
    return PassOn{ForwardReason::bypass, detail_of(facts.who)};
  if (fields.has_any({FieldName::cache_control, FieldName::pragma})) {
    const http::RequestCacheControl control = http::parse_request_cache_control(fields);
    if (control.no_store) return PassOn{ForwardReason::bypass, Detail::request_no_store};
    look_up.demands.only_if_cached = control.only_if_cached;
    if (facts.match.rule->obeys_requests) {
      // max-age=0, which browsers send on reload, asks for the same as no-cache.
      look_up.demands.no_cache =
          control.no_cache || (control.max_age && control.max_age->count() == 0);
      look_up.demands.max_age = control.max_age;
      look_up.demands.min_fresh = control.min_fresh;
      look_up.demands.max_stale = control.max_stale;
      look_up.demands.stale_if_error = control.stale_if_error;
    }
  }
  // Last, so that what is counted is what would be looked up.
  if (facts.match.rule->mode == Mode::shadow)
    return PassOn{ForwardReason::bypass, Detail::mode_shadow};
  return look_up;
}

bool wants_explanation(const http::RequestHead& head, const ForwardedFacts& forwarded) {
  return forwarded.trusted && head.fields.first(FieldName::larder_explain) == "1";
}

bool append_cache_key(const LookupFacts& facts, const LearnedVary::Names& learned,
                      std::string& key) {
  // decide_lookup has passed it on.
  if (facts.match.rule->share == Share::per_user && !user_of(facts)) return false;
  const std::string_view query = facts.head.query.value_or(std::string_view());
  http::TextWriter text(key, usual_key_size + facts.path.size());
  if (query.empty()) {
    put_key(facts, learned, Parameters(), text);
    return true;
  }
  const std::optional<Parameters> parameters = sorted_parameters(query);
  if (parameters) put_key(facts, learned, *parameters, text);
  return parameters.has_value();
}

std::string_view url_with_variants(std::string_view key) {
  const std::size_t end = key.rfind(start_of_variant);
  return end == std::string_view::npos ? std::string_view() : key.substr(0, end);
}

FillRequest make_fill_request(const LookupFacts& facts, const LearnedVary::Names& learned) {
  const RouteRule& rule = *facts.match.rule;
  FillRequest fill{
      .target = std::string(facts.path), .keyed = keyed_fields(facts, learned), .cookie = {}};

  const auto is_counted = [&](std::string_view name) { return rule.key.counts_parameter(name); };
  const std::optional<Parameters> parameters = sorted_parameters(facts.head.query.value_or(""));
  if (parameters) {
    const std::size_t path_size = fill.target.size();
    fill.target += '?';
    put_query(*parameters, is_counted, [&](std::string_view piece) { fill.target += piece; });
    if (fill.target.size() == path_size + 1) fill.target.pop_back();
    fill.differs = std::any_of(
        parameters->begin(), parameters->end(),
        [&](const http::QueryParameter& parameter) { return !is_counted(parameter.name); });
  }
  const identity::Identity* user = user_of(facts);
  if (user) fill.cookie = user->cookie;
  for (const KeyPart& part : rule.key.parts) {
    if (part.kind != KeyPart::Kind::cookie) continue;
    if (user && user->cookie.starts_with(part.text + "=")) continue;  // there already
    const auto value = http::find_cookie(facts.head.fields, part.text);
    if (!value) continue;
    if (!fill.cookie.empty()) fill.cookie += "; ";
    fill.cookie.append(part.text).append("=").append(*value);
  }
  for (KeyedField& field : fill.keyed) {
    // An Accept that names nothing on offer is keyed as "=value" and sent as the value.
    if (field.name == "accept" && field.value && field.value->starts_with('='))
      field.sent = field.value->substr(1);
  }
  if (user && !user->authorization.empty())
    fill.keyed.push_back(
        {.name = "authorization", .value = std::string(user->authorization), .sent = {}});
  for (const http::FieldLine& line : facts.head.fields) {
    if (fill.differs) break;
    const bool is_keyed = std::any_of(
        fill.keyed.begin(), fill.keyed.end(),
        [&](const KeyedField& field) { return http::equals_ignoring_case(field.name, line.name); });
    fill.differs = !is_keyed && may_matter(line);
  }
  return fill;
}

}  // namespace larder::policy
