#include "policy/token_bucket.hpp"

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

using std::chrono::milliseconds;

TEST_CASE("TokenBucket: so many at once, then so many a second") {
  const TokenBucket::Time start{std::chrono::hours(1)};
  TokenBucket bucket(2, 3);
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(start));
  CHECK_FALSE(bucket.take(start));
  CHECK_FALSE(bucket.take(start + milliseconds(499)));
  CHECK(bucket.take(start + milliseconds(500)));
  CHECK_FALSE(bucket.take(start + milliseconds(500)));
  // A long pause saves no more than it may.
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(start + std::chrono::hours(9)));
  CHECK_FALSE(bucket.take(start + std::chrono::hours(9)));
}

}  // namespace
}  // namespace larder::policy
