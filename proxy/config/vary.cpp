#include "config/vary.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "config/mapping.hpp"
#include "config/values.hpp"

namespace larder::config {
namespace {

using policy::VaryField;

class VaryReader {
 public:
  explicit VaryReader(Report& report) : report_(report) {}

  std::optional<std::vector<VaryField>> run(const Node& value) {
    for (const Node* item : read_list(value, "vary", report_)) {
      if (item->kind == Node::Kind::map) {
        for (const Entry& entry : item->entries) {
          if (entry.key.kind == Node::Kind::scalar) read_field(entry.key, &entry.value);
        }
      } else if (read_text(*item, "vary", "the name of a request field", report_)) {
        read_field(*item, nullptr);
      } else {
        failed_ = true;
      }
    }
    if (failed_) return std::nullopt;
    return std::move(fields_);
  }

 private:
  void read_field(const Node& name, const Node* offered) {
    if (!is_token(name.text)) {
      fail(name.place, "vary: " + quote(name.text) + " is no name of a request field");
      return;
    }
    const std::string field = to_lower(name.text);
    if (field == "*") {
      fail(name.place, "vary: '*' would make every request different; name the fields");
      return;
    }
    if (field == "cookie") {
      fail(name.place,
           "vary: Cookie would make a variant for each visitor; put the one cookie that counts "
           "into 'key' ({cookie.NAME}), or say with 'share' who may share a response");
      return;
    }
    if (field == "authorization" || field == "proxy-authorization") {
      fail(name.place,
           "vary: credentials make no variants; say with 'share' who may share a response");
      return;
    }
    for (const VaryField& before : fields_) {
      if (before.name == field) {
        fail(name.place, "vary: " + quote(name.text) + " stands here twice");
        return;
      }
    }
    std::vector<std::string> offers;
    if (offered) {
      if (field == "accept") {
        offers = read_offered(*offered, {"Accept", "a media type", parse_media_type});
      } else if (field == "accept-language") {
        offers = read_offered(*offered, {"Accept-Language", "a language tag", parse_language_tag});
      } else {
        fail(name.place,
             "vary: only Accept and Accept-Language take a list of what the origin offers; write "
             "'- " +
                 name.text + "' alone");
        return;
      }
    }
    fields_.emplace_back(field, std::move(offers));
  }

  struct Offer {
    std::string field;
    std::string_view what;
    Parsed<std::string> (*parse)(std::string_view);
  };

  std::vector<std::string> read_offered(const Node& value, const Offer& offer) {
    const std::string owner = "vary: " + offer.field;
    std::vector<std::string> offered;
    for (const Node* item : read_list(value, owner, report_)) {
      const std::string* text = read_text(*item, owner, offer.what, report_);
      if (!text) {
        failed_ = true;
        continue;
      }
      const Parsed<std::string> one = offer.parse(*text);
      if (const auto* refused = std::get_if<Refused>(&one)) {
        fail(item->place, owner + ": " + refused->why);
        continue;
      }
      if (std::find(offered.begin(), offered.end(), std::get<std::string>(one)) != offered.end()) {
        fail(item->place, owner + ": " + quote(*text) + " stands here twice");
        continue;
      }
      offered.push_back(std::get<std::string>(one));
    }
    if (value.kind == Node::Kind::list && value.items.empty()) {
      fail(value.place, owner + ": an empty list; name what the origin offers, or write '- " +
                            offer.field + "' for its value as it is");
    }
    return offered;
  }

  void fail(Place place, std::string message) {
    report_.error(place, std::move(message));
    failed_ = true;
  }

  Report& report_;
  std::vector<VaryField> fields_;
  bool failed_ = false;
};

}  // namespace

std::optional<std::vector<VaryField>> read_vary(const Node& value, Report& report) {
  return VaryReader(report).run(value);
}

}  // namespace larder::config
