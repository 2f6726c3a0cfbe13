#include "config/rules.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "config/fingerprint.hpp"
#include "config/lifetimes.hpp"
#include "config/mapping.hpp"
#include "config/settings.hpp"
#include "config/tags.hpp"
#include "config/values.hpp"
#include "config/vary.hpp"
#include "policy/nearest.hpp"

namespace larder::config {
namespace {

using policy::Coherence;
using policy::KeyTemplate;
using policy::KeyTemplateError;
using policy::Mode;
using policy::PathPattern;
using policy::PatternError;
using policy::RouteRule;
using policy::Share;
using policy::VaryField;
using policy::WrittenBy;

constexpr std::string_view default_key = "{path}?{query}";

class RuleReader {
 public:
  explicit RuleReader(Report& report) : report_(report) { read_.file = report.file(); }

  std::optional<ReadRule> run(const Node& node);

  struct Key {
    std::string_view name;
    void (RuleReader::*read)(const Node& value);
  };
  static const std::array<Key, 24> keys;

 private:
  void read_name(const Node& value);
  void read_path(const Node& value);
  void read_mode(const Node& value);
  void read_verify(const Node& value);
  void read_ttl(const Node& value);
  void read_statuses(const Node& value);
  void read_stale_while_revalidate(const Node& value);
  void read_stale_if_error(const Node& value);
  void read_client_cache_control(const Node& value);
  void read_etag(const Node& value);
  void read_compress(const Node& value);
  void read_flag(const Node& value, std::string_view owner, bool& flag);
  void read_key(const Node& value);
  void read_share(const Node& value);
  void read_written_by(const Node& value);
  void read_coherence(const Node& value);
  void read_vary(const Node& value);
  void read_evict_on(const Node& value);
  void read_tags(const Node& value);
  void read_after(const Node& value);
  void read_variants(const Node& value);
  void read_variants_per_url(const Node& value);
  void read_number(const Node& value, std::string_view owner, std::string_view what,
                   unsigned lowest, unsigned highest, unsigned& number);
  void read_first_byte_timeout(const Node& value);
  void read_body_limit(const Node& value);
  void read_response_timeout(const Node& value);

  std::optional<PathPattern> read_pattern(const Node& node, std::string_view owner);
  void read_evicting_write(const Node& item);
  std::vector<std::string> read_methods(const Node& value);

  void fail(Place place, std::string message) {
    report_.error(place, std::move(message));
    failed_ = true;
  }

  RouteRule& rule() { return read_.rule; }

  Report& report_;
  ReadRule read_;
  const Node* key_ = nullptr;
  const Node* verify_ = nullptr;
  const Node* statuses_ = nullptr;
  const Node* tags_ = nullptr;
  bool says_compress_ = false;
  bool needs_ttl_ = true;
  bool failed_ = false;
};

// In the order in which rules/README.md describes them.
const std::array<RuleReader::Key, 24> RuleReader::keys{{
    {"name", &RuleReader::read_name},
    {"path", &RuleReader::read_path},
    {"mode", &RuleReader::read_mode},
    {"verify", &RuleReader::read_verify},
    {"ttl", &RuleReader::read_ttl},
    {"statuses", &RuleReader::read_statuses},
    {"stale_while_revalidate", &RuleReader::read_stale_while_revalidate},
    {"stale_if_error", &RuleReader::read_stale_if_error},
    {"key", &RuleReader::read_key},
    {"share", &RuleReader::read_share},
    {"written_by", &RuleReader::read_written_by},
    {"coherence", &RuleReader::read_coherence},
    {"vary", &RuleReader::read_vary},
    {"client_cache_control", &RuleReader::read_client_cache_control},
    {"etag", &RuleReader::read_etag},
    {"compress", &RuleReader::read_compress},
    {"evict_on", &RuleReader::read_evict_on},
    {"tags", &RuleReader::read_tags},
    {"after", &RuleReader::read_after},
    {"variants", &RuleReader::read_variants},
    {"variants_per_url", &RuleReader::read_variants_per_url},
    {"first_byte_timeout", &RuleReader::read_first_byte_timeout},
    {"body_limit", &RuleReader::read_body_limit},
    {"response_timeout", &RuleReader::read_response_timeout},
}};

std::optional<ReadRule> RuleReader::run(const Node& node) {
  if (node.kind == Node::Kind::broken) return std::nullopt;
  read_.place = node.place;
  if (node.kind != Node::Kind::map) {
    fail(node.place, "a rule is a mapping that starts with '- path: …'");
    return std::nullopt;
  }
  rule().vary = {{"accept", {"application/json", "text/html"}}};
  rule().key = std::get<KeyTemplate>(policy::parse_key_template(default_key));
  Vocabulary vocabulary{"a rule", rule_keys(), {}};
  for (const std::string_view name : file_settings())
    vocabulary.strays.push_back({name, "it belongs below 'settings:'"});
  std::vector<std::string_view> given;
  for (const Entry* entry : read_mapping(node, vocabulary, report_)) {
    given.push_back(entry->key.text);
    const auto* key = std::find_if(keys.begin(), keys.end(),
                                   [entry](const Key& one) { return one.name == entry->key.text; });
    (this->*key->read)(entry->value);
  }
  for (const std::string_view required : {"path", "ttl"}) {
    if (std::find(given.begin(), given.end(), required) != given.end()) continue;
    if (required == "ttl" && !needs_ttl_) continue;
    fail(node.place,
         "a rule needs '" + std::string(required) + "'" +
             (required == "path" ? ", such as /api/items/<int:pk>/"
                                 : ", how long its responses are fresh: 30s, 5m, 1h or 1d"));
  }
  if (rule().origin && statuses_)
    fail(statuses_->place, "statuses: under 'ttl: origin' the origin says what is fresh how long");
  if (rule().verify > 0 && rule().mode != Mode::on)
    fail(verify_->place, "verify: there are no hits to verify unless the mode is 'on'");
  if (rule().written_by == WrittenBy::owner && rule().share != Share::per_user) {
    fail(read_.written_by_place,
         "written_by: 'owner' belongs to 'share: per-user': what others get has no owner");
  }
  // Compressed beside secrets, what somebody else made a user ask for tells of them (BREACH).
  if (rule().share == Share::per_user && !says_compress_) rule().compression.is_on = false;
  if (!rule().paths.empty()) check_key(read_, key_, report_);
  if (!rule().paths.empty() && tags_ && !check_tags(rule(), *tags_, report_)) failed_ = true;
  if (failed_ || rule().paths.empty()) return std::nullopt;
  if (!read_.has_name) rule().name = rule().paths.front().text;
  rule().fingerprint = make_fingerprint(rule());
  return std::move(read_);
}

void RuleReader::read_name(const Node& value) {
  const std::string* text = read_text(value, "name", "a word", report_);
  if (!text) {
    failed_ = true;
    return;
  }
  const auto allowed = [](char letter) {
    return letter > ' ' && letter < 0x7f && letter != '"' && letter != '\\';
  };
  constexpr std::size_t longest = 100;
  if (text->empty() || text->size() > longest ||
      !std::all_of(text->begin(), text->end(), allowed)) {
    fail(value.place,
         "name: " + quote(*text) +
             " is no name; up to 100 letters, digits and signs of ASCII, without spaces, '\"' "
             "and '\\', make one");
    return;
  }
  read_.has_name = true;
  read_.name_place = value.place;
  rule().name = *text;
}

void RuleReader::read_path(const Node& value) {
  const std::vector<const Node*> items = read_list(value, "path", report_);
  if (items.empty() && value.kind == Node::Kind::list && value.items.empty()) {
    fail(value.place, "path: a path is missing");
  }
  for (const Node* item : items) {
    std::optional<PathPattern> pattern = read_pattern(*item, "path");
    if (!pattern) continue;
    rule().paths.push_back(*std::move(pattern));
    read_.path_places.push_back(item->place);
  }
}

std::optional<PathPattern> RuleReader::read_pattern(const Node& node, std::string_view owner) {
  const std::string* text = read_text(node, owner, "a path such as /api/items/<int:pk>/", report_);
  if (!text) {
    failed_ = true;
    return std::nullopt;
  }
  std::variant<PathPattern, PatternError> parsed = policy::parse_path_pattern(*text);
  if (const auto* wrong = std::get_if<PatternError>(&parsed)) {
    fail(node.place_within(wrong->offset), std::string(owner) + ": " + wrong->message);
    return std::nullopt;
  }
  return std::get<PathPattern>(std::move(parsed));
}

void RuleReader::read_ttl(const Node& value) {
  read_.ttl_place = value.place;
  if (!config::read_ttl(value, rule(), report_)) failed_ = true;
}

void RuleReader::read_mode(const Node& value) {
  needs_ttl_ = false;  // nor is one missed when the mode is wrong itself
  const std::string* text = read_text(value, "mode", "on, shadow or off", report_);
  if (!text) {
    failed_ = true;
    return;
  }
  // YAML's other words for them count, too: in most parsers `mode: off` is false.
  const Parsed<bool> parsed = parse_boolean(*text);
  if (const auto* is_on = std::get_if<bool>(&parsed)) {
    rule().mode = *is_on ? Mode::on : Mode::off;
    needs_ttl_ = *is_on;
  } else if (*text == "shadow") {
    rule().mode = Mode::shadow;
    needs_ttl_ = true;
  } else {
    fail(value.place, "mode: unknown word " + quote(*text) +
                          policy::suggest_nearest(*text, {"on", "off", "shadow"}) +
                          "; on, shadow and off are known");
  }
}

void RuleReader::read_verify(const Node& value) {
  verify_ = &value;
  const std::string* text = read_text(value, "verify", "a percentage such as 1%", report_);
  if (!text) {
    failed_ = true;
    return;
  }
  const Parsed<std::uint64_t> parsed = parse_percentage(*text);
  if (const auto* refused = std::get_if<Refused>(&parsed)) {
    fail(value.place, "verify: " + refused->why);
    return;
  }
  rule().verify = static_cast<unsigned>(std::get<std::uint64_t>(parsed));
}

void RuleReader::read_statuses(const Node& value) {
  if (!config::read_statuses(value, rule(), report_)) failed_ = true;
  statuses_ = &value;
}

void RuleReader::read_stale_while_revalidate(const Node& value) {
  rule().stale_while_revalidate =
      read_seconds(value, "stale_while_revalidate", ZeroSeconds::allowed, report_);
  if (!rule().stale_while_revalidate) failed_ = true;
}

void RuleReader::read_stale_if_error(const Node& value) {
  rule().stale_if_error = read_seconds(value, "stale_if_error", ZeroSeconds::allowed, report_);
  if (!rule().stale_if_error) failed_ = true;
}

void RuleReader::read_client_cache_control(const Node& value) {
  const std::string* text = read_text(value, "client_cache_control", "obey or ignore", report_);
  if (text && *text != "obey" && *text != "ignore") {
    fail(value.place, "client_cache_control: unknown word " + quote(*text) +
                          policy::suggest_nearest(*text, client_cache_control_words()) + "; " +
                          join_words(client_cache_control_words()) + " are known");
  }
  if (!text) failed_ = true;
  if (text) rule().obeys_requests = *text == "obey";
}

void RuleReader::read_etag(const Node& value) {
  read_flag(value, "etag", rule().makes_etags);
}

void RuleReader::read_compress(const Node& value) {
  read_flag(value, "compress", rule().compression.is_on);
  says_compress_ = true;
}

void RuleReader::read_flag(const Node& value, std::string_view owner, bool& flag) {
  const std::string* text = read_text(value, owner, "true or false", report_);
  if (!text) {
    failed_ = true;
    return;
  }
  const Parsed<bool> parsed = parse_boolean(*text);
  if (const auto* refused = std::get_if<Refused>(&parsed)) {
    fail(value.place, std::string(owner) + ": " + refused->why);
    return;
  }
  flag = std::get<bool>(parsed);
}

void RuleReader::read_key(const Node& value) {
  const std::string* text =
      read_text(value, "key", "a template in quotes such as \"{path}?{query.page}\"", report_);
  if (!text) {
    failed_ = true;
    return;
  }
  std::variant<KeyTemplate, KeyTemplateError> parsed = policy::parse_key_template(*text);
  if (const auto* wrong = std::get_if<KeyTemplateError>(&parsed)) {
    fail(value.place_within(wrong->offset), "key: " + wrong->message);
    return;
  }
  rule().key = std::get<KeyTemplate>(std::move(parsed));
  key_ = &value;
}

void RuleReader::read_share(const Node& value) {
  read_.share_place = value.place;
  const std::string* text = read_text(value, "share", "anonymous, everyone or per-user", report_);
  if (!text) {
    failed_ = true;
    return;
  }
  if (*text == "anonymous") {
    rule().share = Share::anonymous;
  } else if (*text == "everyone") {
    rule().share = Share::everyone;
  } else if (*text == "per-user") {
    rule().share = Share::per_user;
  } else {
    fail(value.place, "share: unknown word " + quote(*text) +
                          policy::suggest_nearest(*text, share_words()) + "; known are " +
                          join_words(share_words()));
  }
}

void RuleReader::read_written_by(const Node& value) {
  read_.written_by_place = value.place;
  const std::string* text = read_text(value, "written_by", "anyone or owner", report_);
  if (!text) {
    failed_ = true;
  } else if (*text == "anyone") {
    rule().written_by = WrittenBy::anyone;
  } else if (*text == "owner") {
    rule().written_by = WrittenBy::owner;
  } else {
    fail(value.place, "written_by: unknown word " + quote(*text) +
                          policy::suggest_nearest(*text, written_by_words()) + "; known are " +
                          join_words(written_by_words()));
  }
}

void RuleReader::read_coherence(const Node& value) {
  const std::string* text = read_text(value, "coherence", "heartbeat or strict", report_);
  if (!text) {
    failed_ = true;
  } else if (*text == "heartbeat") {
    rule().coherence = Coherence::heartbeat;
  } else if (*text == "strict") {
    rule().coherence = Coherence::strict;
  } else {
    fail(value.place, "coherence: unknown word " + quote(*text) +
                          policy::suggest_nearest(*text, coherence_words()) + "; known are " +
                          join_words(coherence_words()));
  }
}

void RuleReader::read_vary(const Node& value) {
  if (std::optional<std::vector<VaryField>> fields = config::read_vary(value, report_)) {
    rule().vary = *std::move(fields);
  } else {
    failed_ = true;
  }
}

void RuleReader::read_evict_on(const Node& value) {
  for (const Node* item : read_list(value, "evict_on", report_)) read_evicting_write(*item);
}

void RuleReader::read_evicting_write(const Node& item) {
  if (item.kind != Node::Kind::map) {
    if (std::optional<PathPattern> path = read_pattern(item, "evict_on")) {
      rule().evict_on.push_back({*std::move(path), {}});
    }
    return;
  }
  std::optional<PathPattern> path;
  bool has_path = false;
  std::vector<std::string> methods;
  for (const Entry* entry :
       read_mapping(item, {"an entry of 'evict_on'", evict_on_keys(), {}}, report_)) {
    if (entry->key.text == "path") {
      has_path = true;
      path = read_pattern(entry->value, "evict_on");
    } else {
      methods = read_methods(entry->value);
    }
  }
  if (!has_path) fail(item.place, "evict_on: an entry needs 'path'");
  if (path) rule().evict_on.push_back({*std::move(path), std::move(methods)});
}

std::vector<std::string> RuleReader::read_methods(const Node& value) {
  std::vector<std::string> methods;
  const std::vector<std::string_view>& known = evicting_methods();
  for (const Node* item : read_list(value, "methods", report_)) {
    const std::string* text = read_text(*item, "methods", "a method such as POST", report_);
    if (!text) {
      failed_ = true;
      continue;
    }
    if (*text == "GET" || *text == "HEAD" || *text == "OPTIONS" || *text == "TRACE") {
      fail(item->place, "methods: " + *text + " is safe: it changes nothing, so it evicts nothing");
    } else if (std::find(known.begin(), known.end(), *text) == known.end()) {
      fail(item->place, "methods: unknown method " + quote(*text) +
                            policy::suggest_nearest(*text, known) + "; known are " +
                            join_words(known));
    } else {
      methods.push_back(*text);
    }
  }
  if (value.kind == Node::Kind::list && value.items.empty()) {
    fail(value.place, "methods: an empty list; leave it out for every unsafe method");
  }
  return methods;
}

void RuleReader::read_tags(const Node& value) {
  read_.tags_place = value.place;
  if (std::optional<std::vector<KeyTemplate>> tags = config::read_tags(value, report_)) {
    rule().tags = *std::move(tags);
    tags_ = &value;
  } else {
    failed_ = true;
  }
}

void RuleReader::read_after(const Node& value) {
  constexpr unsigned most = 100;
  read_number(value, "after", "a number of requests such as 2", 1, most, rule().after);
}

void RuleReader::read_variants(const Node& value) {
  constexpr unsigned most = 1'000'000;
  read_number(value, "variants", "a number such as 1000", 0, most, rule().variants);
}

void RuleReader::read_variants_per_url(const Node& value) {
  constexpr unsigned most = 10'000;
  read_number(value, "variants_per_url", "a number such as 32", 0, most, rule().variants_per_url);
}

void RuleReader::read_number(const Node& value, std::string_view owner, std::string_view what,
                             unsigned lowest, unsigned highest, unsigned& number) {
  const std::string* text = read_text(value, owner, what, report_);
  if (!text) {
    failed_ = true;
    return;
  }
  const Parsed<std::uint64_t> parsed = parse_number(*text, lowest, highest);
  if (const auto* refused = std::get_if<Refused>(&parsed)) {
    fail(value.place, std::string(owner) + ": " + refused->why);
    return;
  }
  number = static_cast<unsigned>(std::get<std::uint64_t>(parsed));
}

void RuleReader::read_first_byte_timeout(const Node& value) {
  const std::optional<milliseconds> duration = read_duration(value, "first_byte_timeout", report_);
  if (!duration) {
    failed_ = true;
    return;
  }
  if (*duration == milliseconds(0)) {
    fail(value.place,
         "first_byte_timeout: a deadline of 0 would fail every request; leave it out for the "
         "setting of that name");
    return;
  }
  rule().first_byte_timeout = *duration;
}

void RuleReader::read_body_limit(const Node& value) {
  const std::string* text = read_text(value, "body_limit", "a size such as 10MiB", report_);
  if (!text) {
    failed_ = true;
    return;
  }
  const Parsed<std::uint64_t> parsed = parse_size(*text);
  if (const auto* refused = std::get_if<Refused>(&parsed)) {
    fail(value.place, "body_limit: " + refused->why);
    return;
  }
  rule().body_limit = std::get<std::uint64_t>(parsed);
}

void RuleReader::read_response_timeout(const Node& value) {
  rule().response_timeout = read_duration(value, "response_timeout", report_);
  if (!rule().response_timeout) failed_ = true;
}

}  // namespace

std::optional<ReadRule> read_rule(const Node& node, Report& report) {
  return RuleReader(report).run(node);
}

const std::vector<std::string_view>& rule_keys() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    all.reserve(RuleReader::keys.size());
    for (const RuleReader::Key& key : RuleReader::keys) all.push_back(key.name);
    return all;
  }();
  return names;
}

const std::vector<std::string_view>& evict_on_keys() {
  static const std::vector<std::string_view> names{"path", "methods"};
  return names;
}

const std::vector<std::string_view>& evicting_methods() {
  static const std::vector<std::string_view> names{"POST", "PUT", "PATCH", "DELETE"};
  return names;
}

const std::vector<std::string_view>& client_cache_control_words() {
  static const std::vector<std::string_view> words{"obey", "ignore"};
  return words;
}

const std::vector<std::string_view>& share_words() {
  static const std::vector<std::string_view> words{"anonymous", "everyone", "per-user"};
  return words;
}

const std::vector<std::string_view>& coherence_words() {
  static const std::vector<std::string_view> words{"heartbeat", "strict"};
  return words;
}

const std::vector<std::string_view>& written_by_words() {
  static const std::vector<std::string_view> words{"anyone", "owner"};
  return words;
}

}  // namespace larder::config
