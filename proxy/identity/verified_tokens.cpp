#include "identity/verified_tokens.hpp"

#include <cstdlib>
#include <utility>

#include <openssl/rand.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace larder::identity {

namespace {

std::uint64_t make_seed() {
  std::uint64_t seed = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed) != 1) std::abort();
  return seed;
}

std::uint64_t seed_of_process() {
  static const std::uint64_t seed = make_seed();
  return seed;
}

}  // namespace

std::size_t VerifiedTokens::Hash::operator()(std::string_view token) const {
  return XXH3_64bits_withSeed(token.data(), token.size(), seed);
}

VerifiedTokens::VerifiedTokens() : tokens_(0, Hash{seed_of_process()}) {}

std::shared_ptr<const Verified> VerifiedTokens::find(std::string_view token,
                                                     std::chrono::sys_seconds now) const {
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return nullptr;
  const Verified& verified = *found->second;
  return verified.begins_at <= now && now < verified.expires_at ? found->second : nullptr;
}

void VerifiedTokens::add(std::string_view token, std::shared_ptr<const Verified> verified) {
  const auto [place, is_new] = tokens_.insert_or_assign(std::string(token), std::move(verified));
  if (!is_new) return;
  order_.push_back(&place->first);
  bytes_ += token.size();
  while (tokens_.size() > most_tokens || bytes_ > most_bytes) {
    const auto oldest = tokens_.find(*order_.front());
    order_.pop_front();
    bytes_ -= oldest->first.size();
    tokens_.erase(oldest);
  }
}

}  // namespace larder::identity
