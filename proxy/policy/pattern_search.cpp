#include "policy/pattern_search.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>
#include <utility>

namespace larder::policy {
namespace {

/// Combinations of places looked at before the search gives up: far more than any rules need.
constexpr std::size_t most_looked_at = 20'000;

/// A character of a path: one byte, or a percent-encoded one with all its bytes, which no converter
/// divides.
using Symbol = std::string;

/// What converters tell apart. Symbols of one kind that no literal names are alike to all patterns.
enum class Kind : std::uint8_t { slash, digit, lower_hex, letter, dash, underscore, dot, other };
constexpr std::array kinds{Kind::digit, Kind::letter,     Kind::lower_hex, Kind::slash,
                           Kind::dash,  Kind::underscore, Kind::dot,       Kind::other};

Kind kind_of(std::string_view symbol) {
  if (symbol.size() != 1) return Kind::other;
  const char letter = symbol.front();
  if (letter == '/') return Kind::slash;
  if (letter >= '0' && letter <= '9') return Kind::digit;
  if (letter >= 'a' && letter <= 'f') return Kind::lower_hex;
  if ((letter >= 'g' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')) return Kind::letter;
  if (letter == '-') return Kind::dash;
  if (letter == '_') return Kind::underscore;
  return letter == '.' ? Kind::dot : Kind::other;
}

/// Of this kind, those that read best first.
std::string_view examples_of(Kind kind) {
  switch (kind) {
    case Kind::slash:
      return "/";
    case Kind::digit:
      return "1234567890";
    case Kind::lower_hex:
      return "abcdef";
    case Kind::letter:
      return "xyzghijklmnopqrstuvwABCDEFGHIJKLMNOPQRSTUVWXYZ";
    case Kind::dash:
      return "-";
    case Kind::underscore:
      return "_";
    case Kind::dot:
      return ".";
    case Kind::other:
      return "~!$&'()*+,=:@";
  }
  return {};
}

bool accepts(Converter converter, Kind kind) {
  switch (converter) {
    case Converter::integer:
      return kind == Kind::digit;
    case Converter::slug:
      return kind == Kind::digit || kind == Kind::lower_hex || kind == Kind::letter ||
             kind == Kind::dash || kind == Kind::underscore;
    case Converter::uuid:
      return false;  // a row of steps of its own
    case Converter::str:
      return kind != Kind::slash;
    case Converter::path:
      return true;
  }
  return false;
}

/// Bytes of a character of more than one byte: a lead byte and those that continue it, all
/// percent-encoded.
std::size_t symbol_length(std::string_view text) {
  if (text.front() != '%') return 1;
  std::size_t length = 3;
  while (length + 2 < text.size() && text[length] == '%' &&
         (text[length + 1] == '8' || text[length + 1] == '9' || text[length + 1] == 'A' ||
          text[length + 1] == 'B'))
    length += 3;
  return length;
}

/// What must come next at one place of a pattern.
struct Step {
  enum class Wants : std::uint8_t { symbol, converter, hex, dash, end };
  Wants wants = Wants::end;
  Symbol symbol{};
  Converter converter = Converter::str;
  bool may_repeat = false;  ///< of a converter: it has begun, so what follows may come as well
};

class Machine {
 public:
  explicit Machine(const PathPattern& pattern) {
    for (const PatternPiece& piece : pattern.pieces) {
      if (piece.name.empty()) {
        add_literal(piece.literal);
      } else if (piece.converter == Converter::uuid) {
        constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
        for (const char letter : form)
          steps_.push_back({.wants = letter == '-' ? Step::Wants::dash : Step::Wants::hex});
      } else {
        steps_.push_back({.wants = Step::Wants::converter, .converter = piece.converter});
        steps_.push_back(
            {.wants = Step::Wants::converter, .converter = piece.converter, .may_repeat = true});
      }
    }
    steps_.push_back({});
  }

  using Places = std::vector<std::uint16_t>;  ///< sorted, without repeats

  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  [[nodiscard]] Places start() const { return {0}; }

  [[nodiscard]] Places after(const Places& places, const Symbol& symbol, Kind kind) const {
    Places next;
    for (const std::uint16_t place : places) {
      // What a converter that has begun may leave to the steps behind it.
      for (std::size_t at = place;; ++at) {
        const Step& step = steps_[at];
        if (takes(step, symbol, kind))
          next.push_back(static_cast<std::uint16_t>(step.may_repeat ? at : at + 1));
        if (!step.may_repeat) break;
      }
    }
    std::sort(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
    return next;
  }

  [[nodiscard]] bool is_match(const Places& places) const {
    return std::any_of(places.begin(), places.end(), [this](std::uint16_t place) {
      std::size_t at = place;
      while (steps_[at].may_repeat) ++at;
      return steps_[at].wants == Step::Wants::end;
    });
  }

 private:
  void add_literal(std::string_view text) {
    while (!text.empty()) {
      const std::size_t length = symbol_length(text);
      steps_.push_back({.wants = Step::Wants::symbol, .symbol = Symbol(text.substr(0, length))});
      text.remove_prefix(length);
    }
  }

  static bool takes(const Step& step, const Symbol& symbol, Kind kind) {
    switch (step.wants) {
      case Step::Wants::symbol:
        return step.symbol == symbol;
      case Step::Wants::converter:
        return accepts(step.converter, kind);
      case Step::Wants::hex:
        return kind == Kind::digit || kind == Kind::lower_hex;
      case Step::Wants::dash:
        return kind == Kind::dash;
      case Step::Wants::end:
        break;
    }
    return false;
  }

  std::vector<Step> steps_;
};

/// Where a path stands that is to be in the normal form: what else there is matches no rule.
enum class Form : std::uint8_t { start, segment_start, one_dot, two_dots, within };

/// Nothing: no path in the normal form begins so.
std::optional<Form> after(Form form, Kind kind) {
  if (form == Form::start)
    return kind == Kind::slash ? std::optional(Form::segment_start) : std::nullopt;
  if (kind == Kind::slash)
    return form == Form::within ? std::optional(Form::segment_start) : std::nullopt;
  if (kind != Kind::dot) return Form::within;
  if (form == Form::segment_start) return Form::one_dot;
  return form == Form::one_dot ? Form::two_dots : Form::within;
}

bool is_whole(Form form) {
  return form == Form::segment_start || form == Form::within;
}

/// Every symbol that some literal names, and one of each kind for all the others.
std::vector<Symbol> symbols_of(const std::vector<Machine>& machines) {
  std::vector<Symbol> named;
  for (const Machine& machine : machines) {
    for (const Step& step : machine.steps())
      if (step.wants == Step::Wants::symbol) named.push_back(step.symbol);
  }
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
  std::vector<Symbol> all;
  for (const Kind kind : kinds) {
    for (const char letter : examples_of(kind)) {
      const Symbol symbol(1, letter);
      if (std::binary_search(named.begin(), named.end(), symbol)) continue;
      all.push_back(symbol);
      break;
    }
  }
  all.insert(all.end(), named.begin(), named.end());
  return all;
}

struct Reached {
  std::vector<Machine::Places> places;  ///< by machine
  Form form = Form::start;
  std::size_t from = 0;  ///< index of what it was reached from
  Symbol by;
};

std::string identity_of(const Reached& reached) {
  std::string text(1, static_cast<char>(reached.form));
  for (const Machine::Places& places : reached.places) {
    for (const std::uint16_t place : places) {
      text += static_cast<char>(place & 0xFF);
      text += static_cast<char>(place >> 8);
    }
    text += "\xFF\xFF";
  }
  return text;
}

std::string path_to(const std::vector<Reached>& all, std::size_t index) {
  std::vector<const Symbol*> symbols;
  for (; index != 0; index = all[index].from) symbols.push_back(&all[index].by);
  std::string path;
  for (auto symbol = symbols.rbegin(); symbol != symbols.rend(); ++symbol) path += **symbol;
  return path;
}

/// A pattern's segments up to the first <path:>.
struct Outline {
  std::vector<std::optional<std::string>> segments{std::string()};  ///< none: has a converter
  bool is_open = false;  ///< one segment or more of any kind follow
};

Outline outline_of(const PathPattern& pattern) {
  Outline outline;
  for (const PatternPiece& piece : pattern.pieces) {
    if (piece.converter == Converter::path && !piece.name.empty()) {
      outline.is_open = true;
      outline.segments.pop_back();
      return outline;
    }
    if (!piece.name.empty()) outline.segments.back().reset();
    for (const char letter : piece.literal) {
      if (letter == '/') {
        outline.segments.emplace_back(std::string());
      } else if (outline.segments.back()) {
        *outline.segments.back() += letter;
      }
    }
  }
  return outline;
}

/// Can it be seen at once that no path is both patterns'? So it is with nearly every two rules.
bool are_apart(const PathPattern& one, const PathPattern& other) {
  const Outline a = outline_of(one);
  const Outline b = outline_of(other);
  const std::size_t shared = std::min(a.segments.size(), b.segments.size());
  for (std::size_t i = 0; i < shared; ++i)
    if (a.segments[i] && b.segments[i] && *a.segments[i] != *b.segments[i]) return true;
  if (a.is_open && b.is_open) return false;
  if (a.is_open) return b.segments.size() <= a.segments.size();
  if (b.is_open) return a.segments.size() <= b.segments.size();
  return a.segments.size() != b.segments.size();
}

}  // namespace

PathSearch find_path(const std::vector<const PathPattern*>& matched,
                     const std::vector<const PathPattern*>& unmatched) {
  std::vector<Machine> machines;
  for (const PathPattern* pattern : matched) {
    if (are_apart(*matched.front(), *pattern)) return {};
    machines.emplace_back(*pattern);
  }
  const std::size_t wanted = machines.size();
  for (const PathPattern* pattern : unmatched)
    if (!are_apart(*matched.front(), *pattern)) machines.emplace_back(*pattern);

  const std::vector<Symbol> symbols = symbols_of(machines);
  std::vector<Reached> all(1);
  for (const Machine& machine : machines) all.front().places.push_back(machine.start());
  std::unordered_set<std::string> seen{identity_of(all.front())};
  const auto is_example = [&](const Reached& reached) {
    if (!is_whole(reached.form)) return false;
    for (std::size_t i = 0; i < machines.size(); ++i)
      if (machines[i].is_match(reached.places[i]) != (i < wanted)) return false;
    return true;
  };
  // Breadth first, so that the first example is one of the shortest.
  for (std::size_t index = 0; index < all.size(); ++index) {
    if (is_example(all[index])) return {PathSearch::Result::found, path_to(all, index)};
    if (all.size() > most_looked_at) return {PathSearch::Result::unknown, {}};
    for (const Symbol& symbol : symbols) {
      const Kind kind = kind_of(symbol);
      const std::optional<Form> form = after(all[index].form, kind);
      if (!form) continue;
      Reached next{.places = {}, .form = *form, .from = index, .by = symbol};
      bool may_match = true;
      for (std::size_t i = 0; i < machines.size() && may_match; ++i) {
        next.places.push_back(machines[i].after(all[index].places[i], symbol, kind));
        may_match = i >= wanted || !next.places.back().empty();
      }
      if (may_match && seen.insert(identity_of(next)).second) all.push_back(std::move(next));
    }
  }
  return {};
}

bool includes(const PathPattern& wide, const PathPattern& narrow) {
  if (are_apart(wide, narrow)) return false;
  return find_path({&narrow}, {&wide}).result == PathSearch::Result::none;
}

}  // namespace larder::policy
