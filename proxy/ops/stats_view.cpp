#include "ops/stats_view.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <spdlog/fmt/fmt.h>

namespace larder::ops {

namespace {

using boost::json::object;
using boost::json::value;

constexpr std::array<std::string_view, 5> results{"hit", "stale", "miss", "expired", "bypass"};

const value* find(const object& json, std::string_view name) {
  return json.if_contains({name.data(), name.size()});
}
const object* find_object(const object& json, std::string_view name) {
  const value* found = find(json, name);
  return found ? found->if_object() : nullptr;
}
double number(const object& json, std::string_view name) {
  const value* found = find(json, name);
  if (!found || !found->is_number()) return 0;
  return found->to_number<double>();
}
std::string_view text(const object& json, std::string_view name) {
  const value* found = find(json, name);
  if (!found || !found->is_string()) return {};
  const boost::json::string& string = found->get_string();
  return {string.data(), string.size()};
}

/// "12,345".
std::string format_count(double value) {
  const std::string digits = fmt::format("{:.0f}", value);
  std::string grouped;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

std::string format_bytes(double bytes) {
  constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

std::string format_seconds(double seconds) {
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.1f} d", seconds / 86'400);
}

std::string format_ratio(double hits, double requests) {
  if (requests <= 0) return "-";
  // Never rounded up to all of them.
  const double percent = std::min(100 * hits / requests, hits < requests ? 99.9 : 100.0);
  return fmt::format("{:.1f} %", percent);
}

double hits_of(const object& json) {
  return number(json, "hit") + number(json, "stale");
}

/// Lines of a name and what is told, which goes on below itself where it is too long.
class Page {
 public:
  explicit Page(std::size_t width) : width_(width) {}

  void line(std::string_view name, std::string_view told) {
    constexpr std::size_t names = 11;
    std::string begun = fmt::format("{:<{}}", name, names);
    while (begun.size() + told.size() > width_) {
      const std::size_t room = width_ - names;
      std::size_t end = told.rfind(' ', room);
      if (end == std::string_view::npos) end = std::min(told.find(' '), told.size());
      add(begun.append(told.substr(0, end)));
      begun.assign(names, ' ');
      told.remove_prefix(std::min(end + 1, told.size()));
      if (told.empty()) return;
    }
    add(begun.append(told));
  }
  void add(std::string_view line) {
    text_.append(line) += '\n';
    ++lines_;
  }
  [[nodiscard]] std::size_t lines() const { return lines_; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::size_t width_;
  std::size_t lines_ = 0;
  std::string text_;
};

void show_requests(const object& json, Page& page) {
  page.line("requests", fmt::format("{}, {} from the cache", format_count(number(json, "requests")),
                                    format_ratio(hits_of(json), number(json, "requests"))));
  std::string each;
  for (const std::string_view result : results)
    each += fmt::format("{}{} {}", each.empty() ? "" : ", ", result,
                        format_count(number(json, result)));
  page.line("", each);
  page.line("hits from",
            fmt::format("memory {}, Redis {}", format_count(number(json, "memory_hits")),
                        format_count(number(json, "redis_hits"))));
  page.line("saved", fmt::format("{} of content, {} of Django's time",
                                 format_bytes(number(json, "content_bytes_saved")),
                                 format_seconds(number(json, "origin_seconds_saved"))));
  page.line("fills", fmt::format("{} stored; {} requests waited for another's",
                                 format_count(number(json, "stored")),
                                 format_count(number(json, "collapsed"))));
  const double purges = number(json, "purges");
  const double found_old = number(json, "found_old");
  std::string evictions =
      fmt::format("{} by writes, {} by purges; {} that Redis took later",
                  format_count(number(json, "evictions") - purges - found_old),
                  format_count(purges), format_count(number(json, "deferred_evictions")));
  if (found_old > 0)
    evictions += fmt::format("; {} that verifying found old", format_count(found_old));
  page.line("evictions", evictions);
}

void show_meanwhile(const object& json, const object& before, double seconds, Page& page) {
  const double requests = number(json, "requests") - number(before, "requests");
  page.line("now", fmt::format("{} requests a second, {} from the cache; {} in flight",
                               format_count(requests / seconds),
                               format_ratio(hits_of(json) - hits_of(before), requests),
                               format_count(number(json, "requests_in_flight"))));
}

void show_tiers(const object& json, Page& page) {
  if (const object* memory = find_object(json, "memory"))
    page.line("memory", fmt::format("{} of {}, {} responses; {} given up for lack of room",
                                    format_bytes(number(*memory, "bytes")),
                                    format_bytes(number(*memory, "capacity")),
                                    format_count(number(*memory, "responses")),
                                    format_count(number(*memory, "given_up"))));
  const object* redis = find_object(json, "redis");
  if (!redis) {
    page.line("redis", "none");
    return;
  }
  page.line("redis", fmt::format("{}, {} failures, {} evictions pending", text(*redis, "state"),
                                 format_count(number(*redis, "failures")),
                                 format_count(number(*redis, "pending_evictions"))));
  if (text(*redis, "maxmemory_policy").empty()) return;
  const value* estimated = find(*redis, "keys_of_ours_estimated");
  const bool is_estimate = estimated && estimated->is_bool() && estimated->get_bool();
  const double most = number(*redis, "maxmemory");
  page.line("", fmt::format("{}{} used, {}; {}{} of {} keys are ours; {} dropped for lack of room",
                            text(*redis, "used_memory_human"),
                            most > 0 ? fmt::format(" of {}", text(*redis, "maxmemory_human")) : "",
                            text(*redis, "maxmemory_policy"), is_estimate ? "about " : "",
                            format_count(number(*redis, "keys_of_ours")),
                            format_count(number(*redis, "keys")),
                            format_count(number(*redis, "evicted_keys"))));
  if (!text(*redis, "warning").empty()) page.line("", text(*redis, "warning"));
}

/// Of a backend (format_backend_state), for people.
std::string_view describe_state(std::string_view state) {
  if (state == "in") return "in use";
  if (state == "starting") return "in use, slowly at first";
  if (state == "ejected") return "left out for its answers";
  if (state == "unhealthy") return "left out: its health check fails";
  return state;
}

void show_origin(const object& json, Page& page) {
  if (const object* origin = find_object(json, "origin"))
    page.line("upstream", fmt::format("{} in flight, {} waiting, {} failures",
                                      format_count(number(*origin, "in_flight")),
                                      format_count(number(*origin, "waiting")),
                                      format_count(number(json, "origin_failures"))));
  const value* backends = find(json, "backends");
  if (!backends || !backends->is_array()) return;
  for (const value& backend : backends->get_array())
    if (const object* one = backend.if_object())
      page.line("",
                fmt::format("{} {}", text(*one, "upstream"), describe_state(text(*one, "state"))));
}

void show_reload(const object& json, Page& page) {
  const object* reload = find_object(json, "reload");
  if (!reload) return;
  page.line("rules",
            fmt::format("{} in force, reloaded {} times", format_count(number(*reload, "rules")),
                        format_count(number(*reload, "reloads"))));
  if (!text(*reload, "last_failure").empty())
    page.line("", fmt::format("the last reload failed: {}", text(*reload, "last_failure")));
}

struct Column {
  std::string_view title;
  std::size_t width;
};
constexpr std::array<Column, 5> columns{
    {{"requests", 12}, {"hits", 9}, {"stored", 9}, {"bytes saved", 13}, {"time saved", 12}}};
constexpr std::size_t least_name = 16;
constexpr std::size_t most_name = 48;

/// Those that fit beside a name.
std::size_t columns_within(std::size_t width) {
  std::size_t taken = least_name;
  std::size_t count = 0;
  while (count < columns.size() && taken + columns[count].width <= width)
    taken += columns[count++].width;
  return count;
}

std::string name_of(const object& rule) {
  std::string name(text(rule, "rule"));
  if (name.empty() || name == "(none)") return "no rule";
  const value* in_force = find(rule, "in_force");
  const bool is_gone = in_force && in_force->is_bool() && !in_force->get_bool();
  return is_gone ? name + " (gone)" : name;
}

/// The most asked for first, what no rule matched last.
std::vector<const object*> sorted_rules(const object& json) {
  std::vector<const object*> sorted;
  const value* rules = find(json, "rules");
  if (!rules || !rules->is_array()) return sorted;
  for (const value& each : rules->get_array())
    if (const object* rule = each.if_object()) sorted.push_back(rule);
  std::stable_sort(sorted.begin(), sorted.end(), [](const object* a, const object* b) {
    const bool is_none = name_of(*a) == "no rule";
    if (is_none != (name_of(*b) == "no rule")) return !is_none;
    return number(*a, "requests") > number(*b, "requests");
  });
  return sorted;
}

/// At most `room` lines.
void show_rules(const object& json, std::size_t width, std::size_t room, Page& page) {
  const std::vector<const object*> rules = sorted_rules(json);
  constexpr std::size_t around = 3;  // an empty line, the titles, how many there are more
  if (rules.empty() || room <= around) return;
  const std::size_t count = columns_within(width);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < count; ++i) taken += columns[i].width;
  const std::size_t names = std::clamp(width - std::min(taken, width), least_name, most_name);

  const auto show = [&](std::string_view name, const std::array<std::string, 5>& cells) {
    std::string line = fmt::format("{:<{}.{}}", name, names, names);
    for (std::size_t i = 0; i < count; ++i)
      line += fmt::format("{:>{}}", cells[i], columns[i].width);
    page.add(line);
  };
  std::array<std::string, 5> titles;
  for (std::size_t i = 0; i < columns.size(); ++i) titles[i] = columns[i].title;
  page.add("");
  show("rule", titles);
  const std::size_t shown = rules.size() + around - 1 <= room ? rules.size() : room - around;
  for (std::size_t i = 0; i < shown; ++i) {
    const object& rule = *rules[i];
    const object* fills = find_object(rule, "fills");
    const double stored = fills ? number(*fills, "stored") + number(*fills, "freshened") : 0;
    show(name_of(rule), {format_count(number(rule, "requests")),
                         format_ratio(hits_of(rule), number(rule, "requests")),
                         format_count(stored), format_bytes(number(rule, "content_bytes_saved")),
                         format_seconds(number(rule, "origin_seconds_saved"))});
  }
  if (shown < rules.size()) page.add(fmt::format("and {} more", rules.size() - shown));
}

}  // namespace

std::optional<std::string> format_stats(std::string_view json,
                                        const std::optional<Meanwhile>& meanwhile,
                                        const Screen& screen) {
  boost::json::error_code error;
  const value told = boost::json::parse({json.data(), json.size()}, error);
  if (error || !told.is_object()) return {};
  const object& now = told.get_object();
  if (!find(now, "requests")) return {};
  Page page(screen.width);
  page.line("larder",
            fmt::format("up {}, {} clients connected", format_seconds(number(now, "uptime")),
                        format_count(number(now, "connections"))));
  if (meanwhile) {
    const value before =
        boost::json::parse({meanwhile->before.data(), meanwhile->before.size()}, error);
    if (!error && before.is_object())
      show_meanwhile(now, before.get_object(), meanwhile->seconds, page);
  }
  show_requests(now, page);
  show_tiers(now, page);
  show_origin(now, page);
  show_reload(now, page);
  show_rules(now, screen.width, screen.height - std::min(screen.height, page.lines()), page);
  return page.take();
}

}  // namespace larder::ops
