#include "policy/observation.hpp"

#include <algorithm>

namespace larder::policy {

namespace {
using std::chrono::milliseconds;

constexpr milliseconds first_window{1'000};
/// Less than any ttl whose hits would be told wrongly by much.
constexpr milliseconds widest_window{60'000};

std::uint32_t count_milliseconds(milliseconds span) {
  constexpr milliseconds longest{std::chrono::hours(24)};
  return static_cast<std::uint32_t>(std::clamp(span, milliseconds(0), longest).count());
}

std::uint64_t hash_asker(const SeenAnswer& answer) {
  std::uint64_t hash = answer.url.place;
  for (const std::uint64_t part : {std::uint64_t{answer.variant}, answer.credentials})
    hash = (hash ^ part) * 0x9E3779B97F4A7C15U;
  return hash;
}
}  // namespace

Observations::Observations(std::size_t most_urls)
    : urls_(most_urls), most_answers_(most_urls * answers_per_url), window_(first_window) {}

void Observations::note(const ObservedAnswer& answer) {
  if (since_ == Moment{}) since_ = answer.asked;
  until_ = std::max(until_, answer.answered);
  SeenAnswer seen{.url = urls_.note(answer.path, answer.query, answer.asked),
                  .credentials = answer.credentials,
                  .identity = answer.identity,
                  .content = answer.content,
                  .asked = answer.asked,
                  .variant = answer.variant,
                  .took = count_milliseconds(answer.answered - answer.asked),
                  .status = answer.status,
                  .obstacle = answer.obstacle,
                  .is_comparable = answer.is_comparable,
                  .may_look_up = answer.may_look_up};
  if (!urls_.has(seen.url)) return;
  if (latest_.size() <= seen.url.place) latest_.resize(urls_.size(), ~std::size_t{0});
  const std::size_t latest = latest_[seen.url.place];
  if (latest < answers_.size() && may_fold(answers_[latest], seen)) {
    fold(answers_[latest], seen);
    return;
  }
  if (answers_.size() >= most_answers_) make_room();
  latest_[seen.url.place] = answers_.size();
  answers_.push_back(seen);
}

void Observations::note(const ObservedWrite& write) {
  if (write.path.size() > longest_write_path) return;
  if (writes_.size() == most_writes) {
    // What came before the first write that is known cannot be explained by writes any more.
    since_ = std::max(since_, writes_.front().answered);
    writes_.pop_front();
  }
  writes_.push_back(
      {write.method, std::string(write.method_text), std::string(write.path), write.answered});
}

/// `into` is the last of its URL before `answer`, or the last of its user since anything else came.
bool Observations::may_fold(const SeenAnswer& into, const SeenAnswer& answer) const {
  if (into.url != answer.url || into.credentials != answer.credentials ||
      into.identity != answer.identity || into.variant != answer.variant ||
      into.content != answer.content || into.status != answer.status ||
      into.obstacle != answer.obstacle || into.is_comparable != answer.is_comparable ||
      into.may_look_up != answer.may_look_up)
    return false;
  if (answer.asked < into.asked || answer.asked - into.asked > window_) return false;
  // The first write that may lie between them.
  const auto write =
      std::lower_bound(writes_.begin(), writes_.end(), into.asked,
                       [](const SeenWrite& one, Moment moment) { return one.answered < moment; });
  return write == writes_.end() || write->answered > answer.answered();
}

void Observations::fold(SeenAnswer& into, const SeenAnswer& answer) {
  const std::uint64_t requests = into.requests() + answer.requests();
  into.took = static_cast<std::uint32_t>(
      (into.requests() * into.took + answer.requests() * answer.took) / requests);
  into.repeats = static_cast<std::uint32_t>(requests - 1);
  into.span = std::max(into.span, count_milliseconds(answer.asked - into.asked) + answer.span);
}

void Observations::make_room() {
  std::vector<SeenAnswer> kept;
  kept.reserve(answers_.size());
  const auto fold_all = [&] {
    kept.clear();
    // Of a URL's variant: where the content last became another. What came before it stays apart
    // from what came after, since their order tells a change from what is one user's own.
    struct Turn {
      std::uint64_t content = 0;
      std::size_t at = 0;
    };
    std::unordered_map<std::uint64_t, Turn> turns;
    std::unordered_map<std::uint64_t, std::size_t> last_of_asker;
    for (const SeenAnswer& answer : answers_) {
      if (!urls_.has(answer.url)) continue;
      const std::uint64_t variant = std::uint64_t{answer.url.place} << 32 | answer.variant;
      const auto [turn, is_first] = turns.try_emplace(variant, Turn{answer.content, kept.size()});
      if (!is_first && turn->second.content != answer.content)
        turn->second = {answer.content, kept.size()};
      const auto [last, is_new] = last_of_asker.try_emplace(hash_asker(answer), kept.size());
      if (!is_new && last->second >= turn->second.at && may_fold(kept[last->second], answer)) {
        fold(kept[last->second], answer);
        continue;
      }
      last->second = kept.size();
      kept.push_back(answer);
    }
  };
  fold_all();
  while (kept.size() > most_answers_ / 4 * 3 && window_ < widest_window) {
    window_ *= 2;
    fold_all();
  }
  if (kept.size() > most_answers_ / 4 * 3) {
    kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(kept.size() / 4));
    if (!kept.empty()) since_ = std::max(since_, kept.front().asked);
  }
  answers_ = std::move(kept);
  std::fill(latest_.begin(), latest_.end(), ~std::size_t{0});
  for (std::size_t at = 0; at < answers_.size(); ++at) latest_[answers_[at].url.place] = at;
}

}  // namespace larder::policy
