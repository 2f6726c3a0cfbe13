#include "policy/shadow.hpp"

#include <algorithm>

namespace larder::policy {

bool Shadow::is_sampled(std::uint64_t key) const {
  return key * seed_ <= limit_;
}

/// Half of the keys go, and stay away: which are kept says nothing of how often they are asked for
/// (spatial sampling: Waldspurger et al., FAST 2015).
void Shadow::make_room() {
  while (entries_.size() > most_keys) {
    limit_ /= 2;
    std::erase_if(entries_, [this](const auto& held) { return !is_sampled(held.first); });
  }
}

bool Shadow::is_evicted(const Entry& entry, Moment by) const {
  if (all_evicted_ >= entry.asked && all_evicted_ != Moment{}) return true;
  return std::any_of(entry.tags.begin(), entry.tags.end(), [&](std::uint64_t tag) {
    const auto found = evicted_.find(tag);
    return found != evicted_.end() && found->second >= entry.asked && found->second <= by;
  });
}

bool Shadow::wrote_between(Moment from, Moment to) const {
  return std::any_of(writes_.begin(), writes_.end(), [&](const Write& write) {
    return write.answered >= from && write.answered <= to;
  });
}

void Shadow::note(const ShadowAnswer& answer) {
  if (counts_.requests == 0) first_ = answer.asked;
  last_ = std::max(last_, answer.answered);
  ++counts_.requests;
  if (answer.obstacle != Detail::none) ++counts_.refused[answer.obstacle];
  if (!is_sampled(answer.key)) return;

  const auto found = entries_.find(answer.key);
  if (found != entries_.end()) {
    Entry& entry = found->second;
    const bool evicted = is_evicted(entry, answer.asked);
    if (!evicted && answer.asked < entry.fresh_until) {
      ++counts_.hits;
      if (answer.is_comparable) {
        compare(entry, answer);
      } else {
        ++counts_.not_judged;
      }
      return;
    }
    if (evicted && answer.is_comparable && entry.content != answer.content && !entry.is_stale)
      ++counts_.changes_noticed;
    give_up_doubt(entry);
    entries_.erase(found);
  }
  ++counts_.misses;
  if (answer.obstacle != Detail::none || !answer.is_comparable || answer.lifetime.count() <= 0)
    return;
  Entry entry;
  entry.user = answer.user;
  entry.content = answer.content;
  entry.tags.assign(answer.tags.begin(), answer.tags.end());
  entry.asked = answer.asked;
  entry.fresh_until = answer.answered + answer.lifetime;
  // As a fill whose stamps are old when it ends: what was evicted meanwhile is not stored.
  if (is_evicted(entry, answer.answered)) return;
  entries_.emplace(answer.key, std::move(entry));
  make_room();
}

// Who else got what tells a change from an answer of one's own: after a change everybody gets the
// new one, the first user too.
void Shadow::compare(Entry& entry, const ShadowAnswer& answer) {
  Doubt& doubt = entry.doubt;
  if (answer.content == entry.content) {
    if (doubt.hits > 0 && answer.asked > doubt.asked) {
      count_users_differ(doubt.hits, doubt.target);
      doubt = {};
    }
    if (answer.user != entry.user) remember(entry, answer.user, answer.content);
    return;
  }
  if (wrote_between(answer.asked, answer.answered)) {
    ++counts_.not_judged;
    return;
  }
  if (entry.is_stale || answer.user == entry.user) {
    if (doubt.hits > 0) {
      const std::uint64_t waiting = doubt.content == answer.content ? doubt.hits : 0;
      if (waiting == 0) count_users_differ(doubt.hits, doubt.target);
      count_stale(entry, waiting, doubt.user, answer);
      doubt = {};
    }
    count_stale(entry, 1, answer.user, answer);
    return;
  }
  const auto before = std::find_if(entry.others.begin(), entry.others.end(),
                                   [&](const Seen& seen) { return seen.user == answer.user; });
  const bool is_known = answer.user != 0 && before != entry.others.end();
  const bool had_stored = is_known && before->content == entry.content;
  const bool is_same_again = is_known && before->content == answer.content;
  remember(entry, answer.user, answer.content);
  if (had_stored) {
    // This user got what is stored, and now does not.
    count_stale(entry, doubt.hits, doubt.user, answer);
    count_stale(entry, 1, answer.user, answer);
    doubt = {};
  } else if (doubt.hits > 0 && doubt.user != answer.user) {
    if (doubt.content == answer.content) {
      count_stale(entry, doubt.hits, doubt.user, answer);
      count_stale(entry, 1, answer.user, answer);
    } else {
      count_users_differ(doubt.hits + 1, answer.target);
    }
    doubt = {};
  } else if (doubt.hits == 0 && is_same_again) {
    count_users_differ(1, answer.target);
  } else {
    doubt = {answer.user, answer.content, doubt.hits + 1, answer.asked, std::string(answer.target)};
  }
}

void Shadow::remember(Entry& entry, std::uint64_t user, std::uint64_t content) {
  const auto known = std::find_if(entry.others.begin(), entry.others.end() - 1,
                                  [&](const Seen& seen) { return seen.user == user; });
  std::rotate(entry.others.begin(), known, known + 1);
  entry.others.front() = {user, content};
}

void Shadow::count_stale(Entry& entry, std::uint64_t hits, std::uint64_t user,
                         const ShadowAnswer& shown_by) {
  if (hits == 0) return;
  counts_.stale_hits += hits;
  if (user != 0) counts_.stale_with_credentials += hits;
  if (counts_.stale_example.empty()) counts_.stale_example = shown_by.target;
  if (entry.is_stale) return;
  entry.is_stale = true;
  ++counts_.changes_unseen;
  (void)accuse(entry.asked, shown_by.asked, entry.tags);
}

std::vector<std::size_t> Shadow::accuse(Moment from, Moment to,
                                        std::span<const std::uint64_t> tags) {
  std::vector<std::size_t> accused;
  for (const Write& write : writes_) {
    const bool is_one = write.answered >= from && write.answered <= to &&
                        std::find(accused.begin(), accused.end(), write.suspect) == accused.end() &&
                        std::find_first_of(write.tags.begin(), write.tags.end(), tags.begin(),
                                           tags.end()) == write.tags.end();
    if (!is_one) continue;
    accused.push_back(write.suspect);
    ++suspects_[write.suspect].preceded;
  }
  return accused;
}

// Of two that came before as many changes, the rarer one is the likelier.
bool Shadow::is_likelier(const Suspect& a, const Suspect& b) {
  return a.preceded != b.preceded ? a.preceded > b.preceded : a.seen < b.seen;
}

std::optional<Suspect> Shadow::note(const VerifiedHit& hit) {
  if (counts_.requests == 0) first_ = hit.asked;
  last_ = std::max(last_, hit.answered);
  ++counts_.requests;
  ++counts_.hits;
  if (hit.obstacle != Detail::none) ++counts_.refused[hit.obstacle];
  switch (hit.finding) {
    case VerifiedHit::Finding::same:
      return std::nullopt;
    case VerifiedHit::Finding::not_judged:
      ++counts_.not_judged;
      return std::nullopt;
    case VerifiedHit::Finding::users_differ:
      count_users_differ(1, hit.target);
      return std::nullopt;
    case VerifiedHit::Finding::changed:
      break;
  }
  ++counts_.stale_hits;
  ++counts_.changes_unseen;
  if (counts_.stale_example.empty()) counts_.stale_example = hit.target;
  std::optional<Suspect> likeliest;  // the later of equals
  for (const std::size_t index : accuse(hit.stored, hit.answered, hit.tags))
    if (!likeliest || !is_likelier(*likeliest, suspects_[index])) likeliest = suspects_[index];
  return likeliest;
}

void Shadow::count_users_differ(std::uint64_t hits, std::string_view target) {
  counts_.users_differ += hits;
  if (counts_.users_example.empty()) counts_.users_example = target;
}

void Shadow::give_up_doubt(Entry& entry) {
  counts_.undecided += entry.doubt.hits;
  entry.doubt = {};
}

void Shadow::note(const ShadowWrite& write) {
  for (const std::uint64_t tag : write.tags) evicted_[tag] = write.answered;
  if (evicted_.size() > most_evicted_tags) {
    // Nothing is kept that may have been evicted: fewer hits, never a false one.
    evicted_.clear();
    all_evicted_ = write.answered;
  }
  auto suspect = std::find_if(suspects_.begin(), suspects_.end(), [&](const Suspect& known) {
    return known.shape == write.shape && known.method == write.method;
  });
  if (suspect == suspects_.end()) {
    if (suspects_.size() == most_suspects) return;
    suspects_.push_back({std::string(write.method), std::string(write.shape), 0, 0});
    suspect = suspects_.end() - 1;
  }
  ++suspect->seen;
  writes_.push_back({write.answered,
                     static_cast<std::size_t>(suspect - suspects_.begin()),
                     {write.tags.begin(), write.tags.end()}});
  if (writes_.size() > most_recent_writes) writes_.pop_front();
}

ShadowReport Shadow::report() const {
  ShadowReport report = counts_;
  for (const auto& [key, entry] : entries_) report.undecided += entry.doubt.hits;
  for (const Suspect& suspect : suspects_)
    if (suspect.preceded > 0) report.suspects.push_back(suspect);
  std::sort(report.suspects.begin(), report.suspects.end(), is_likelier);
  constexpr std::size_t most_told = 5;
  if (report.suspects.size() > most_told) report.suspects.resize(most_told);
  report.sampled = static_cast<double>(limit_) / static_cast<double>(~std::uint64_t{0});
  report.observed = last_ - first_;
  return report;
}

}  // namespace larder::policy
