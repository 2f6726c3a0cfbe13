#include "http/date.hpp"

#include <random>
#include <string>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

using namespace std::chrono;

constexpr SystemSeconds at(int y, unsigned m, unsigned d, int hour = 0, int minute = 0, int s = 0) {
  return sys_days(year(y) / month(m) / day(d)) + hours(hour) + minutes(minute) + seconds(s);
}
constexpr SystemSeconds now = at(2026, 7, 15, 12, 0, 0);

TEST_CASE("parse_date: dates (9110 5.6.7)") {
  struct Case {
    std::string_view name;
    std::string_view text;
    SystemSeconds time;
  };
  const Case cases[] = {
      {"IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)},
      {"RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)},
      {"asctime", "Sun Nov  6 08:49:37 1994", at(1994, 11, 6, 8, 49, 37)},
      {"asctime, a day of two digits", "Wed Nov 16 08:49:37 1994", at(1994, 11, 16, 8, 49, 37)},
      {"the epoch", "Thu, 01 Jan 1970 00:00:00 GMT", at(1970, 1, 1)},
      {"before the epoch", "Wed, 31 Dec 1969 23:59:59 GMT", at(1969, 12, 31, 23, 59, 59)},
      {"far ahead", "Fri, 31 Dec 9999 23:59:59 GMT", at(9999, 12, 31, 23, 59, 59)},
      {"29 February of a leap year", "Thu, 29 Feb 2024 00:00:00 GMT", at(2024, 2, 29)},
      {"29 February 2000", "Tue, 29 Feb 2000 00:00:00 GMT", at(2000, 2, 29)},
      {"a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", at(2017, 1, 1)},
      {"the wrong day of the week is let pass", "Mon, 06 Nov 1994 08:49:37 GMT",
       at(1994, 11, 6, 8, 49, 37)},
      {"RFC 850, this year", "Wednesday, 15-Jul-26 12:00:00 GMT", at(2026, 7, 15, 12)},
      {"RFC 850, 50 years ahead to the second", "Wednesday, 15-Jul-76 12:00:00 GMT",
       at(2076, 7, 15, 12)},
      {"RFC 850, one second more is the past", "Thursday, 15-Jul-76 12:00:01 GMT",
       at(1976, 7, 15, 12, 0, 1)},
      {"RFC 850, 99 is the past", "Friday, 31-Dec-99 23:59:59 GMT", at(1999, 12, 31, 23, 59, 59)},
      {"RFC 850, 29 February", "Saturday, 29-Feb-20 00:00:00 GMT", at(2020, 2, 29)},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::optional<SystemSeconds> time = parse_date(c.text, now);
    REQUIRE(time);
    CHECK(time->time_since_epoch().count() == c.time.time_since_epoch().count());
  }
}

TEST_CASE("parse_date: two digits near a change of century") {
  CHECK(parse_date("Saturday, 01-Jan-01 00:00:00 GMT", at(2099, 6, 1)) == at(2101, 1, 1));
  CHECK(parse_date("Saturday, 01-Jan-50 00:00:00 GMT", at(2099, 6, 1)) == at(2050, 1, 1));
  CHECK(parse_date("Saturday, 01-Jan-49 00:00:00 GMT", at(2099, 6, 1)) == at(2149, 1, 1));
  CHECK(parse_date("Saturday, 01-Jan-99 00:00:00 GMT", at(2001, 6, 1)) == at(1999, 1, 1));
}

TEST_CASE("parse_date: what is no date (9110 5.6.7)") {
  const std::string_view cases[] = {
      "",
      "0",
      "-1",
      "1",
      "now",
      "Sun",
      "Sun,",
      "Sunday",
      "784111777",
      "sun, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 gmt",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 +0000",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 GMT ",
      " Sun, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 GMTx",
      "Sun 06 Nov 1994 08:49:37 GMT",
      "Sun,06 Nov 1994 08:49:37 GMT",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 06  Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 94 08:49:37 GMT",
      "Sun, 06 Nov 1994 8:49:37 GMT",
      "Sun, 06 Nov 1994 08.49.37 GMT",
      "Sun, 06 Nov 1994 08:49 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:60:00 GMT",
      "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 31 Nov 1994 08:49:37 GMT",
      "Thu, 29 Feb 2023 00:00:00 GMT",
      "Thu, 29 Feb 1900 00:00:00 GMT",
      "Xyz, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Xyz 1994 08:49:37 GMT",
      "Sun, -6 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov +994 08:49:37 GMT",
      "Sunday, 06-Nov-1994 08:49:37 GMT",
      "Sun, 06-Nov-94 08:49:37 GMT",
      "Sunday, 06 Nov 94 08:49:37 GMT",
      "sunday, 06-Nov-94 08:49:37 GMT",
      "Sunday, 31-Nov-94 08:49:37 GMT",
      "Wednesday, 29-Feb-23 00:00:00 GMT",
      "Sun Nov 6 08:49:37 1994",
      "Sun Nov  6 08:49:37 94",
      "Sun Nov  6 08:49:37 1994 GMT",
      "Sun Nov  0 08:49:37 1994",
      "Sun, Nov  6 08:49:37 1994",
      "Mon, 01 Jan 2024 00:00:00 GMT, x",
      "\"Sun, 06 Nov 1994 08:49:37 GMT\"",
  };
  for (const std::string_view text : cases) {
    CAPTURE(text);
    CHECK(!parse_date(text, now));
  }
}

TEST_CASE("format_date writes IMF-fixdate") {
  CHECK(format_date(at(1994, 11, 6, 8, 49, 37)) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(format_date(at(1970, 1, 1)) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(format_date(at(2024, 2, 29, 23, 59, 59)) == "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST_CASE("every date that is written is read as itself (seeded)") {
  std::mt19937_64 random(7);
  const auto last = at(9999, 12, 31, 23, 59, 59).time_since_epoch().count();
  for (int round = 0; round < 5000; ++round) {
    const SystemSeconds time{
        seconds(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(last)))};
    const std::string text = format_date(time);
    if (text.size() != 29 || parse_date(text, now) != time) FAIL_CHECK(text);
  }
}

}  // namespace
}  // namespace larder::http
