#include "config/yaml_source.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "config/expand.hpp"

namespace larder::config {
namespace {

/// Ends the reading of a file: it is beyond a limit.
struct Refusal {
  Place place;
  std::string message;
};

// --- Places ------------------------------------------------------------------

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

int count_characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(),
                                        [](char byte) { return !continues_character(byte); }));
}

/// Line and column of positions that are asked for in rising order, in one pass over the text.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {}

  Place at(std::size_t position) {
    position = std::min(position, text_.size());
    if (position < position_) {
      position_ = 0;
      place_ = {1, 1};
    }
    for (; position_ < position; ++position_) {
      if (text_[position_] == '\n') {
        place_ = {place_.line + 1, 1};
      } else if (!continues_character(text_[position_])) {
        ++place_.column;
      }
    }
    return place_;
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
  Place place_{1, 1};
};

Place place_of(std::string_view text, std::size_t position) {
  return Places(text).at(position);
}

/// Position of the first byte that is not UTF-8 (RFC 3629).
std::optional<std::size_t> find_malformed(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    std::size_t length = 0;
    unsigned char lowest = 0x80;
    unsigned char highest = 0xBF;
    if (lead < 0x80) {
      length = 1;
    } else if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      if (lead == 0xE0) lowest = 0xA0;
      if (lead == 0xED) highest = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      if (lead == 0xF0) lowest = 0x90;
      if (lead == 0xF4) highest = 0x8F;
    }
    if (length == 0 || at + length > text.size()) return at;
    for (std::size_t index = 1; index < length; ++index) {
      const auto byte = static_cast<unsigned char>(text[at + index]);
      if (byte < lowest || byte > highest) return at;
      lowest = 0x80;
      highest = 0xBF;
    }
    at += length;
  }
  return std::nullopt;
}

std::optional<std::size_t> find_control(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f) return at;
  }
  return std::nullopt;
}

// --- Events -> tree ----------------------------------------------------------

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const Environment& environment, Report& report)
      : text_(text), environment_(environment), report_(report) {}

  std::optional<Node> take_root() { return std::exchange(root_, std::nullopt); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = place_of_missing(mark);
    const Place place = node.place;
    finish({std::move(node), anchor, {}, node_weight, 0}, node_weight, place);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) throw Refusal{at(mark), "an alias within what it stands for"};
    const std::size_t weight = found->second.weight;
    finish({found->second.node, YAML::NullAnchor, {}, weight, found->second.height}, weight,
           at(mark));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node;
    node.kind = Node::Kind::scalar;
    node.place = at(mark);
    refuse_tag(node, tag);
    const bool quoted = tag == "!";
    if (!quoted && (value == "~" || value == "null" || value == "Null" || value == "NULL")) {
      node.kind = Node::Kind::null;
    } else {
      locate_text(node, mark, quoted, value);
      if (is_key()) {
        node.text = value;
      } else {
        expand_text(node, value);
      }
    }
    const std::size_t weight = node_weight + node.text.size();
    const Place place = node.place;
    finish({std::move(node), anchor, {}, weight, 0}, weight, place);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  static constexpr std::size_t node_weight = 64;

  struct Building {
    Node node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<Node> key;  // of a map: read, its value awaited
    std::size_t weight = node_weight;
    int height = 0;  // levels of lists and maps in it, itself included
  };

  Place at(const YAML::Mark& mark) {
    return places_.at(mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos));
  }

  /// For a value that is not there the parser's mark is the next token's.
  Place place_of_missing(const YAML::Mark& mark) {
    if (!open_.empty() && open_.back().key) return open_.back().key->place;
    const std::size_t position = mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos);
    const std::size_t dash = text_.substr(0, position).find_last_not_of(" \t\r\n");
    if (dash != std::string_view::npos && text_[dash] == '-') return place_of(text_, dash);
    return at(mark);
  }

  bool is_key() const {
    return !open_.empty() && open_.back().node.kind == Node::Kind::map && !open_.back().key;
  }

  void refuse_tag(const Node& node, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    report_.error(node.place, "YAML tags such as '" + tag + "' are not supported");
  }

  /// Does the file have the value as it is, so that an error can point into it?
  void locate_text(Node& node, const YAML::Mark& mark, bool quoted,
                   const std::string& value) const {
    const std::size_t start = static_cast<std::size_t>(std::max(mark.pos, 0)) + (quoted ? 1 : 0);
    node.verbatim = start <= text_.size() && text_.substr(start, value.size()) == value;
    if (node.verbatim && quoted) ++node.place.column;
  }

  void expand_text(Node& node, const std::string& value) {
    std::variant<std::string, ExpandError> expanded = expand(value, environment_);
    if (const auto* wrong = std::get_if<ExpandError>(&expanded)) {
      report_.error(node.place_within(wrong->offset), wrong->message);
      node.kind = Node::Kind::broken;
      return;
    }
    node.text = std::get<std::string>(std::move(expanded));
    node.verbatim = node.verbatim && node.text == value;
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    Building building;
    building.node.kind = kind;
    building.node.place = at(mark);
    building.anchor = anchor;
    building.height = 1;
    refuse_tag(building.node, tag);
    open_.push_back(std::move(building));
    refuse_depth(open_.back().node.place, 0);
  }

  void close() {
    Building done = std::move(open_.back());
    open_.pop_back();
    const Place place = done.node.place;
    finish(std::move(done), node_weight, place);
  }

  void refuse_depth(Place place, int height) const {
    if (static_cast<int>(open_.size()) + height > nesting_limit) {
      throw Refusal{place, "nested deeper than " + std::to_string(nesting_limit) + " levels"};
    }
  }

  /// `added`: bytes kept because of it that were not counted before. `place`: where the file says
  /// so, which for an alias is not where its text stands.
  void finish(Building done, std::size_t added, Place place) {
    refuse_depth(place, done.height);
    spent_ += added;
    if (done.anchor != YAML::NullAnchor) spent_ += done.weight;  // a copy is kept for its aliases
    if (spent_ > expanded_limit) {
      throw Refusal{place, "too large once its aliases are copied"};
    }
    if (done.anchor != YAML::NullAnchor) anchored_[done.anchor] = done;
    if (open_.empty()) {
      root_ = std::move(done.node);
      return;
    }
    Building& parent = open_.back();
    parent.weight += done.weight;
    parent.height = std::max(parent.height, done.height + 1);
    if (parent.node.kind == Node::Kind::list) {
      parent.node.items.push_back(std::move(done.node));
    } else if (!parent.key) {
      if (done.node.kind != Node::Kind::scalar && done.node.kind != Node::Kind::broken) {
        report_.error(done.node.place, "a key must be text");
        done.node.kind = Node::Kind::broken;
      }
      parent.key = std::move(done.node);
    } else {
      parent.node.entries.push_back({*std::move(parent.key), std::move(done.node)});
      parent.key.reset();
    }
  }

  std::string_view text_;
  Places places_{text_};
  const Environment& environment_;
  Report& report_;
  std::vector<Building> open_;
  std::map<YAML::anchor_t, Building> anchored_;
  std::size_t spent_ = 0;
  std::optional<Node> root_;
};

// --- Parsing -----------------------------------------------------------------

/// yaml-cpp's words, and what commonly leads to them here.
std::string describe(const YAML::Exception& wrong, std::string_view text) {
  std::string message = "not YAML: " + wrong.msg;
  std::size_t start = std::min<std::size_t>(
      wrong.mark.pos < 0 ? 0 : static_cast<std::size_t>(wrong.mark.pos), text.size());
  start = start == 0 ? 0 : text.rfind('\n', start - 1) + 1;
  std::string_view line = text.substr(start, text.find('\n', start) - start);
  if (line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos) {
    return message + " (indent with spaces, not with tabs)";
  }
  const std::size_t colon = line.find(": ");
  if (colon != std::string_view::npos) {
    line.remove_prefix(colon + 2);
    const std::size_t value = line.find_first_not_of(' ');
    if (value != std::string_view::npos && line[value] == '{') {
      message += " (a value that starts with '{' needs quotes)";
    }
  }
  return message;
}

}  // namespace

Place Node::place_within(std::size_t offset) const {
  if (!verbatim || offset > text.size()) return place;
  const std::string_view before = std::string_view(text).substr(0, offset);
  if (before.find('\n') != std::string_view::npos) return place;
  return {place.line, place.column + count_characters(before)};
}

std::optional<Node> parse_yaml(std::string text, const Environment& environment, Report& report) {
  if (text.size() > file_size_limit) {
    report.error({}, "larger than 1 MiB, the limit for a file of rules");
    return std::nullopt;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (const std::optional<std::size_t> at = find_malformed(text)) {
    report.error(place_of(text, *at), "not UTF-8");
    return std::nullopt;
  }
  if (const std::optional<std::size_t> at = find_control(text)) {
    report.error(place_of(text, *at), "a control character");
    return std::nullopt;
  }
  TreeBuilder builder(text, environment, report);
  std::optional<Node> root;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder)) root = builder.take_root();
    if (root && parser.HandleNextDocument(builder)) {
      const std::optional<Node> second = builder.take_root();
      report.error(second ? second->place : Place{}, "a second YAML document: a file holds one");
      return std::nullopt;
    }
  } catch (const YAML::Exception& wrong) {
    const std::size_t position = wrong.mark.pos < 0 ? 0 : static_cast<std::size_t>(wrong.mark.pos);
    report.error(place_of(text, position), describe(wrong, text));
    return std::nullopt;
  } catch (const Refusal& refusal) {
    report.error(refusal.place, refusal.message);
    return std::nullopt;
  }
  if (!root || root->kind == Node::Kind::null) {
    report.error({}, "empty: a file of rules starts with 'rules:' and a list of them below");
    return std::nullopt;
  }
  return root;
}

std::optional<Node> read_yaml(const std::string& path, const Environment& environment,
                              Report& report) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  // A little more than a file may have is enough to refuse it.
  for (std::array<char, 16 * 1024> piece; stream && text.size() <= file_size_limit;) {
    stream.read(piece.data(), piece.size());
    text.append(piece.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.is_open() || stream.bad()) {
    report.error({}, std::string("cannot be read: ") + std::strerror(errno == 0 ? EIO : errno));
    return std::nullopt;
  }
  return parse_yaml(std::move(text), environment, report);
}

}  // namespace larder::config
