// Planted site: an API whose truth is known, and the traffic that it gets in an afternoon. Every
// draw is from a seed, every time is passed on.
//
//   /api/models/         public; changes by the admin; ?page matters, ?utm_source does not
//   /api/resumes/        each user's own; changes by that user's writes
//   /api/feed/           looks public, but says to each user what they have read
//   /api/prices/         public; a task changes it, no write
//   /api/items/<int>/    public; PATCH changes it
//   /api/orders/<uuid>/  public; never changes
//   /api/articles/<slug>/ and the list above them; change by the admin
//   /api/welcome/        sets a cookie
//   /api/account/        each user's own, and nothing tells who asks
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "policy/observation.hpp"

namespace larder::policy {

struct PlantedGet {
  std::string path;
  std::string query;
  std::uint64_t user = 0;  ///< zero: nobody says who asks
  bool has_identity = false;
};

struct PlantedWrite {
  http::Method method = http::Method::post;
  std::string_view method_text = "POST";
  std::string path;
};

class PlantedSite {
 public:
  explicit PlantedSite(std::uint64_t seed) : random_(seed) {}

  static constexpr std::uint64_t users = 30;
  static constexpr int afternoon = 60'000;  ///< steps, some four hours
  static constexpr std::chrono::milliseconds took{20};

  /// What the origin says now. It is the truth: whoever serves something else serves it wrongly.
  [[nodiscard]] std::uint64_t content_of(const PlantedGet& get) const {
    std::string text = get.path + std::to_string(version_of(group_of(get.path)));
    if (get.path == "/api/models/") text += page_of(get.query);
    if (get.path == "/api/resumes/")
      text += "user " + std::to_string(get.user) + " " + std::to_string(version_of(own(get.user)));
    if (get.path == "/api/feed/" || get.path == "/api/account/")
      text += "user " + std::to_string(get.user);
    if (get.path == "/api/welcome/") text += std::to_string(welcomed_);
    return std::hash<std::string>()(text);
  }
  [[nodiscard]] static Detail obstacle_of(std::string_view path) {
    return path == "/api/welcome/" ? Detail::set_cookie : Detail::none;
  }

  /// The next request: a GET, or a write that `written` then holds; `now` moves on.
  struct Step {
    Moment now{};
    bool is_write = false;
    PlantedGet get;
    PlantedWrite write;
  };
  [[nodiscard]] Step next() {
    now_ += std::chrono::milliseconds(50 + draw(400));
    Step step{.now = now_, .get = {}, .write = {}};
    if (now_ >= next_price_) {
      ++versions_["prices"];
      next_price_ = now_ + std::chrono::seconds(300 + draw(600));
    }
    step.is_write = draw(60) == 0;
    if (step.is_write) {
      step.write = draw_write();
    } else {
      step.get = draw_get();
      ++welcomed_;
    }
    return step;
  }
  /// After its write's answer everybody gets the new.
  void carry_out(const PlantedWrite& write) {
    if (write.path.starts_with("/admin/ai/")) ++versions_["models"];
    if (write.path.starts_with("/admin/blog/")) ++versions_["articles"];
    if (write.path.starts_with("/api/items/")) ++versions_[write.path];
    if (write.path == "/api/resumes/") ++versions_[own(writer_)];
  }

 private:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  [[nodiscard]] static std::string own(std::uint64_t user) {
    return "resumes " + std::to_string(user);
  }
  [[nodiscard]] static std::string page_of(const std::string& query) {
    const std::size_t at = query.find("page=");
    return at == std::string::npos ? "1" : query.substr(at + 5, 1);
  }
  [[nodiscard]] static std::string group_of(const std::string& path) {
    if (path == "/api/models/") return "models";
    if (path == "/api/prices/") return "prices";
    if (path.starts_with("/api/articles/")) return "articles";
    return path;
  }
  [[nodiscard]] std::uint64_t version_of(const std::string& group) const {
    const auto found = versions_.find(group);
    return found == versions_.end() ? 0 : found->second;
  }

  PlantedGet draw_get() {
    const std::uint64_t somebody = draw(2) == 0 ? 0 : 1 + draw(users);
    const std::uint64_t user = 1 + draw(users);
    switch (draw(10)) {
      case 0:
      case 1: {
        std::string query = draw(3) == 0 ? "page=" + std::to_string(1 + draw(3)) : "";
        if (draw(3) == 0)
          query += (query.empty() ? "utm_source=" : "&utm_source=") + std::to_string(draw(500));
        return {"/api/models/", query, somebody};
      }
      case 2:
        return {"/api/resumes/", "", 1 + draw(5), true};
      case 3:
        return {"/api/feed/", "", user};
      case 4:
        return {"/api/prices/", "", 0};
      case 5:
        return {"/api/items/" + std::to_string(1 + draw(20)) + "/", "", 0};
      case 6:
        return {
            "/api/orders/0000000a-0000-4000-8000-0000000000" + std::to_string(10 + draw(25)) + "/",
            "", 0};
      case 7:
        return {draw(3) == 0 ? std::string("/api/articles/")
                             : "/api/articles/a-story-" + std::to_string(draw(30)) + "/",
                "", 0};
      case 8:
        return {"/api/welcome/", "", somebody};
      default:
        return {"/api/account/", "", user};
    }
  }
  PlantedWrite draw_write() {
    switch (draw(12)) {
      case 0:
        return {.path = "/admin/ai/aimodel/" + std::to_string(1 + draw(9)) + "/change/"};
      case 1:
        return {.path = "/admin/blog/article/a-story-" + std::to_string(draw(30)) + "/change/"};
      case 2:
        return {http::Method::patch, "PATCH", "/api/items/" + std::to_string(1 + draw(20)) + "/"};
      case 3:
        writer_ = 1 + draw(5);
        return {.path = "/api/resumes/"};
      default:
        return {.path = "/api/auth/token/"};  // changes nothing, and often comes before a change
    }
  }

  std::mt19937_64 random_;
  Moment now_{std::chrono::hours(24) * 365 * 55};
  Moment next_price_{now_};
  std::map<std::string, std::uint64_t> versions_;
  std::uint64_t welcomed_ = 0;
  std::uint64_t writer_ = 1;
};

/// What Larder sees of it.
inline Observations observe_afternoon(std::uint64_t seed, int steps = PlantedSite::afternoon,
                                      std::size_t most_urls = 20'000) {
  PlantedSite site(seed);
  Observations observed(most_urls);
  for (int i = 0; i < steps; ++i) {
    const PlantedSite::Step step = site.next();
    if (step.is_write) {
      site.carry_out(step.write);
      observed.note(ObservedWrite{.method = step.write.method,
                                  .method_text = step.write.method_text,
                                  .path = step.write.path,
                                  .answered = step.now + PlantedSite::took});
      continue;
    }
    observed.note(ObservedAnswer{.path = step.get.path,
                                 .query = step.get.query,
                                 .credentials = step.get.user,
                                 .identity = step.get.has_identity ? step.get.user : 0,
                                 .variant = 7,
                                 .content = site.content_of(step.get),
                                 .asked = step.now,
                                 .answered = step.now + PlantedSite::took,
                                 .status = 200,
                                 .obstacle = PlantedSite::obstacle_of(step.get.path)});
  }
  return observed;
}

}  // namespace larder::policy
