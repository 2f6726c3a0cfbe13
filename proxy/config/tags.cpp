#include "config/tags.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "config/mapping.hpp"
#include "config/values.hpp"
#include "policy/named_tags.hpp"
#include "policy/nearest.hpp"
#include "policy/rule_tags.hpp"

namespace larder::config {
namespace {

using policy::KeyPart;
using policy::KeyTemplate;
using policy::KeyTemplateError;
using policy::PathPattern;
using policy::PatternPiece;
using policy::RouteRule;

/// Where the tag has this text; its start where it cannot be told.
Place place_of(const Node& item, std::string_view text) {
  const std::size_t offset = item.text.find(text);
  return item.place_within(offset == std::string::npos ? 0 : offset);
}

class TagReader {
 public:
  explicit TagReader(Report& report) : report_(report) {}

  std::optional<std::vector<KeyTemplate>> run(const Node& value) {
    const std::vector<const Node*> items = read_list(value, "tags", report_);
    if (items.empty()) {
      if (value.kind == Node::Kind::list && value.items.empty())
        fail(value.place, "tags: an empty list; leave it out for none");
      return std::nullopt;
    }
    for (const Node* item : items) read_tag(*item);
    if (items.size() > policy::most_rule_tags)
      fail(items[policy::most_rule_tags]->place, "tags: a rule has at most " +
                                                     std::to_string(policy::most_rule_tags) +
                                                     ": each is compared with Redis at every hit");
    if (failed_) return std::nullopt;
    return std::move(tags_);
  }

 private:
  void read_tag(const Node& item) {
    const std::string* text = read_text(item, "tags", "a tag such as \"model-{pk}\"", report_);
    if (!text) {
      failed_ = true;
      return;
    }
    if (text->empty()) return fail(item.place, "tags: an empty tag");
    std::variant<KeyTemplate, KeyTemplateError> parsed = policy::parse_key_template(*text);
    if (const auto* wrong = std::get_if<KeyTemplateError>(&parsed))
      return fail(item.place_within(wrong->offset), "tags: " + wrong->message);
    KeyTemplate tag = std::get<KeyTemplate>(std::move(parsed));
    const bool is_known = std::any_of(tags_.begin(), tags_.end(), [&](const KeyTemplate& before) {
      return before.text == tag.text;
    });
    if (is_known) return fail(item.place, "tags: " + quote(*text) + " stands here twice");
    std::size_t written = 0;
    for (const KeyPart& part : tag.parts) {
      if (!is_right(part, item)) return;
      if (part.kind == KeyPart::Kind::literal) written += part.text.size();
    }
    if (written > policy::longest_name_of_tag)
      return fail(item.place, "tags: a tag is at most " +
                                  std::to_string(policy::longest_name_of_tag) + " bytes long");
    tags_.push_back(std::move(tag));
  }

  bool is_right(const KeyPart& part, const Node& item) {
    switch (part.kind) {
      case KeyPart::Kind::literal:
        if (part.text.find_first_of(" \t") == std::string::npos) return true;
        fail(place_of(item, " "),
             "tags: a tag has no spaces: Surrogate-Key separates tags by them");
        return false;
      case KeyPart::Kind::query_all:
      case KeyPart::Kind::query_except:
        fail(place_of(item, "{query"), "tags: a tag takes parameters one by one: '{query.NAME}'");
        return false;
      case KeyPart::Kind::query_only:
        if (part.names.size() == 1 && !part.names.front().ends_with('*')) return true;
        fail(place_of(item, "{query"),
             "tags: '{query.NAME}' is one parameter here, without ',' and '*'");
        return false;
      case KeyPart::Kind::header:
        if (part.text != "accept" && part.text != "accept-encoding") return true;
        fail(place_of(item, "{header"), "tags: '" + part.text +
                                            "' makes variants of a response, which are evicted "
                                            "together; it can be no part of a tag");
        return false;
      case KeyPart::Kind::path:
      case KeyPart::Kind::cookie:
      case KeyPart::Kind::path_parameter:
      case KeyPart::Kind::claim:
        break;
    }
    return true;
  }

  void fail(Place place, std::string message) {
    report_.error(place, std::move(message));
    failed_ = true;
  }

  Report& report_;
  std::vector<KeyTemplate> tags_;
  bool failed_ = false;
};

class TagCheck {
 public:
  TagCheck(const RouteRule& rule, Report& report) : rule_(rule), report_(report) {}

  bool run(const Node& value) {
    const std::vector<const Node*> items = read_list(value, "tags", report_);
    for (std::size_t i = 0; i < rule_.tags.size(); ++i)
      for (const KeyPart& part : rule_.tags[i].parts) check(part, *items[i]);
    return !failed_;
  }

 private:
  void check(const KeyPart& part, const Node& item) {
    switch (part.kind) {
      case KeyPart::Kind::path_parameter:
        return check_parameter(part.text, item);
      case KeyPart::Kind::query_only:
        if (!rule_.key.counts_parameter(part.names.front()))
          fail(item, "{query.", "the parameter " + quote(part.names.front()));
        return;
      case KeyPart::Kind::header:
        if (!is_in_key(part) &&
            std::none_of(rule_.vary.begin(), rule_.vary.end(),
                         [&](const policy::VaryField& field) { return field.name == part.text; }))
          fail(item, "{header.", "the field " + quote(part.text));
        return;
      case KeyPart::Kind::cookie:
        if (!is_in_key(part)) fail(item, "{cookie.", "the cookie " + quote(part.text));
        return;
      case KeyPart::Kind::claim:
        if (rule_.share == policy::Share::per_user) return;
        report_.error(place_of(item, "{jwt."),
                      "tags: '{jwt.CLAIM}' belongs to 'share: per-user': under another share no "
                      "token is verified");
        failed_ = true;
        return;
      case KeyPart::Kind::literal:
      case KeyPart::Kind::path:
      case KeyPart::Kind::query_all:
      case KeyPart::Kind::query_except:
        return;
    }
  }

  void check_parameter(const std::string& name, const Node& item) {
    for (const PathPattern& path : rule_.paths) {
      std::vector<std::string_view> known;
      for (const PatternPiece& piece : path.pieces)
        if (!piece.name.empty()) known.push_back(piece.name);
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      known.push_back("path");
      const std::string written = "{" + name + "}";
      std::string message = "tags: the path ";
      message.append(quote(path.text)).append(" has no '<").append(name).append(">' for '");
      message.append(written).append("'").append(policy::suggest_nearest(name, known));
      message += "; what has none needs a rule of its own";
      report_.error(place_of(item, written), message);
      failed_ = true;
      return;
    }
  }

  bool is_in_key(const KeyPart& part) const {
    return std::any_of(rule_.key.parts.begin(), rule_.key.parts.end(), [&](const KeyPart& other) {
      return other.kind == part.kind && other.text == part.text;
    });
  }

  void fail(const Node& item, std::string_view part, const std::string& what) {
    report_.error(place_of(item, part),
                  "tags: the key does not know " + what +
                      ", so requests with another one would share a response: name it in 'key'");
    failed_ = true;
  }

  const RouteRule& rule_;
  Report& report_;
  bool failed_ = false;
};

}  // namespace

std::optional<std::vector<KeyTemplate>> read_tags(const Node& value, Report& report) {
  return TagReader(report).run(value);
}

bool check_tags(const RouteRule& rule, const Node& node, Report& report) {
  return TagCheck(rule, report).run(node);
}

}  // namespace larder::config
