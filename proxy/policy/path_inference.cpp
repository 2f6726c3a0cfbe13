#include "policy/path_inference.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <utility>

#include "policy/path_shape.hpp"

namespace larder::policy {

namespace {

using Segments = std::vector<std::string_view>;

/// Behind the first slash; a final slash leaves an empty one.
Segments split(std::string_view path) {
  Segments segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_slug(std::string_view segment) {
  return std::all_of(segment.begin(), segment.end(), [](unsigned char letter) {
    return std::isalnum(letter) != 0 || letter == '-' || letter == '_';
  });
}

/// "api" and "v2" say nothing of what is below them: views of all kinds are.
bool names_a_resource(std::string_view segment) {
  if (segment == "api" || segment == "rest") return false;
  return !(segment.size() > 1 && segment.front() == 'v' && is_int_segment(segment.substr(1)));
}

struct Piece {
  std::string text;
  std::string_view converter{};  ///< empty: literal
};

/// "<int:pk>", or "<int:items_pk>" where another converter stands behind it.
std::string format_pattern(const std::vector<Piece>& pieces) {
  std::size_t last = pieces.size();
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (!pieces[i].converter.empty()) last = i;
  std::string text;
  std::vector<std::string> names;
  std::string before;  // the literal
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    text += '/';
    const Piece& piece = pieces[i];
    if (piece.converter.empty()) {
      text += piece.text;
      before = piece.text;
      continue;
    }
    std::string name = piece.converter == "slug"  ? "slug"
                       : piece.converter == "str" ? "name"
                                                  : "pk";
    if (i != last && !before.empty()) {
      std::string owner = before;
      for (char& letter : owner)
        if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
      if (std::isdigit(static_cast<unsigned char>(owner.front())) == 0)
        name = owner.append("_").append(name);
    }
    const std::string stem = name;
    for (int number = 2; std::find(names.begin(), names.end(), name) != names.end(); ++number)
      name = stem + std::to_string(number);
    names.push_back(name);
    text.append("<").append(piece.converter).append(":").append(name).append(">");
  }
  return text;
}

class Inference {
 public:
  explicit Inference(std::span<const std::string_view> paths) {
    split_.reserve(paths.size());
    for (const std::string_view path : paths) split_.push_back(split(path));
  }

  std::vector<InferredPattern> run() {
    std::vector<std::size_t> all(split_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    descend(all, 0);
    return std::move(found_);
  }

 private:
  using Paths = std::vector<std::size_t>;

  void descend(const Paths& paths, std::size_t depth) {
    Paths ended;
    Paths integers;
    Paths uuids;
    std::map<std::string_view, Paths> literals;
    for (const std::size_t path : paths) {
      if (split_[path].size() == depth) {
        ended.push_back(path);
      } else if (is_int_segment(split_[path][depth])) {
        integers.push_back(path);
      } else if (is_uuid_segment(split_[path][depth])) {
        uuids.push_back(path);
      } else {
        literals[split_[path][depth]].push_back(path);
      }
    }
    if (!ended.empty()) add(std::move(ended));
    Paths values;
    if (are_values(literals)) {
      for (auto at = literals.begin(); at != literals.end();) {
        if (at->first.empty()) {
          ++at;
          continue;
        }
        values.insert(values.end(), at->second.begin(), at->second.end());
        at = literals.erase(at);
      }
    }
    for (const auto& [literal, below] : literals)
      descend_into({std::string(literal)}, below, depth);
    if (!integers.empty()) descend_into({{}, "int"}, integers, depth);
    if (!uuids.empty()) descend_into({{}, "uuid"}, uuids, depth);
    if (values.empty()) return;
    const bool are_slugs = std::all_of(values.begin(), values.end(), [&](std::size_t path) {
      return is_slug(split_[path][depth]);
    });
    const bool was_widened = std::exchange(is_widened_, true);
    descend_into({{}, are_slugs ? "slug" : "str"}, values, depth);
    is_widened_ = was_widened;
  }

  void descend_into(Piece piece, const Paths& paths, std::size_t depth) {
    pieces_.push_back(std::move(piece));
    descend(paths, depth + 1);
    pieces_.pop_back();
  }

  [[nodiscard]] bool are_values(const std::map<std::string_view, Paths>& literals) const {
    const bool has_resource = std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) {
      return piece.converter.empty() && names_a_resource(piece.text);
    });
    // The path above is there itself when it ends here, with a final slash or without.
    const bool is_collection = literals.contains("") || has_ended_here();
    const std::size_t different = literals.size() - literals.count("");
    return has_resource && different > (is_collection ? most_views_of_collection : most_views);
  }

  [[nodiscard]] bool has_ended_here() const {
    return !found_.empty() && found_.back().text == format_pattern(pieces_);
  }

  void add(Paths paths) {
    InferredPattern pattern;
    pattern.text = format_pattern(pieces_);
    pattern.paths = std::move(paths);
    pattern.is_widened = is_widened_;
    pattern.is_writable = pattern.text.find('%') == std::string::npos;
    found_.push_back(std::move(pattern));
  }

  std::vector<Segments> split_;
  std::vector<Piece> pieces_;
  bool is_widened_ = false;
  std::vector<InferredPattern> found_;
};

}  // namespace

std::vector<InferredPattern> infer_patterns(std::span<const std::string_view> paths) {
  return Inference(paths).run();
}

}  // namespace larder::policy
