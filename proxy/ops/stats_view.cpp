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

class Page {
 public:
  explicit Page(std::size_t width) : width_(width) {}

  void line(std::string_view name, std::string_view told) {
    add(fmt::format("{:<11}{}", name, told));
  }
  void add(std::string line) {
    if (line.size() > width_) line.resize(width_);
    text_ += line + "\n";
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::size_t width_;
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
  page.line("saved", fmt::format("{} of content, {} of the origin's time",
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
    page.line("memory",
              fmt::format("{} of {}, {} responses", format_bytes(number(*memory, "bytes")),
                          format_bytes(number(*memory, "capacity")),
                          format_count(number(*memory, "responses"))));
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
  page.line("", fmt::format("{} of {} used, {}; {}{} keys of ours among {}",
                            text(*redis, "used_memory_human"), text(*redis, "maxmemory_human"),
                            text(*redis, "maxmemory_policy"), is_estimate ? "about " : "",
                            format_count(number(*redis, "keys_of_ours")),
                            format_count(number(*redis, "keys"))));
  if (!text(*redis, "warning").empty()) page.line("", text(*redis, "warning"));
}

void show_origin(const object& json, Page& page) {
  if (const object* origin = find_object(json, "origin"))
    page.line("origin", fmt::format("{} in flight, {} waiting, {} failures",
                                    format_count(number(*origin, "in_flight")),
                                    format_count(number(*origin, "waiting")),
                                    format_count(number(json, "origin_failures"))));
  const value* backends = find(json, "backends");
  if (!backends || !backends->is_array()) return;
  for (const value& backend : backends->get_array())
    if (const object* one = backend.if_object())
      page.line("", fmt::format("{} {}", text(*one, "upstream"), text(*one, "state")));
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

void show_rules(const object& json, std::size_t width, Page& page) {
  const value* rules = find(json, "rules");
  if (!rules || !rules->is_array() || rules->get_array().empty()) return;
  const std::size_t names = std::clamp<std::size_t>(width < 60 ? 12 : width - 52, 12, 48);
  page.add("");
  page.add(fmt::format("{:<{}} {:>11} {:>8} {:>8} {:>10} {:>9}", "rule", names, "requests", "hits",
                       "fills", "saved", "origin"));
  for (const value& each : rules->get_array()) {
    const object* rule = each.if_object();
    if (!rule) continue;
    std::string name(text(*rule, "rule"));
    if (name.empty()) name = "(no rule)";
    if (name.size() > names) name.resize(names);
    const object* fills = find_object(*rule, "fills");
    const double stored = fills ? number(*fills, "stored") + number(*fills, "freshened") : 0;
    page.add(fmt::format("{:<{}} {:>11} {:>8} {:>8} {:>10} {:>9}", name, names,
                         format_count(number(*rule, "requests")),
                         format_ratio(hits_of(*rule), number(*rule, "requests")),
                         format_count(stored), format_bytes(number(*rule, "content_bytes_saved")),
                         format_seconds(number(*rule, "origin_seconds_saved"))));
  }
}

}  // namespace

std::optional<std::string> format_stats(std::string_view json,
                                        const std::optional<Meanwhile>& meanwhile,
                                        std::size_t width) {
  boost::json::error_code error;
  const value told = boost::json::parse({json.data(), json.size()}, error);
  if (error || !told.is_object()) return {};
  const object& now = told.get_object();
  if (!find(now, "requests")) return {};
  Page page(width);
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
  show_rules(now, width, page);
  return page.take();
}

}  // namespace larder::ops
