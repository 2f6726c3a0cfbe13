#include "policy/preconditions.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/heads.hpp"

namespace larder::policy {
namespace {

using Answer = PreconditionDecision::Answer;
using Reason = PreconditionDecision::Reason;

// RFC 9110's example: Sun, 06 Nov 1994 08:49:37 GMT.
constexpr SystemSeconds noon{std::chrono::seconds{784'111'777}};
constexpr SystemSeconds now = noon + std::chrono::hours{1};

test::Request make_request(const std::string& method, const std::vector<std::string>& fields) {
  std::string lines = method + " / HTTP/1.1\r\nHost: a";
  for (const std::string& field : fields) lines += "\r\n" + field;
  return test::Request({lines});
}

TEST_CASE("decide_preconditions") {
  const std::string modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  const Validators both{"\"a\"", modified, noon + std::chrono::seconds{10}};
  const Validators weak{"W/\"a\"", {}, noon};
  const Validators no_etag{{}, modified, noon + std::chrono::seconds{10}};
  const Validators no_validator{{}, {}, noon};
  const Validators bad_etag{"a", {}, noon};
  const Validators bad_date{{}, "yesterday", noon};
  struct Case {
    const char* name;
    const char* section;
    Validators stored;
    std::vector<std::string> fields;
    PreconditionDecision expected;
    const char* method = "GET";
  };
  const Case cases[] = {
      {"no condition", "9110 13", both, {}, {Answer::send_whole, Reason::unconditional}},
      {"the entity tag is named",
       "9110 13.1.2",
       both,
       {"If-None-Match: \"b\", \"a\""},
       {Answer::not_modified, Reason::entity_tag_listed}},
      {"and for HEAD",
       "9110 13.1.2",
       both,
       {"If-None-Match: \"a\""},
       {Answer::not_modified, Reason::entity_tag_listed},
       "HEAD"},
      {"named on a second line",
       "9110 5.3",
       both,
       {"If-None-Match: \"b\"", "If-None-Match: \"a\""},
       {Answer::not_modified, Reason::entity_tag_listed}},
      {"a weak one matches a strong one",
       "9110 13.1.2",
       both,
       {"If-None-Match: W/\"a\""},
       {Answer::not_modified, Reason::entity_tag_listed}},
      {"a strong one matches a weak one",
       "9110 13.1.2",
       weak,
       {"If-None-Match: \"a\""},
       {Answer::not_modified, Reason::entity_tag_listed}},
      {"another entity tag",
       "9110 13.1.2",
       both,
       {"If-None-Match: \"b\""},
       {Answer::send_whole, Reason::entity_tag_not_listed}},
      {"any",
       "9110 13.1.2",
       both,
       {"If-None-Match: *"},
       {Answer::not_modified, Reason::any_representation}},
      {"any, when nothing stored validates",
       "9110 13.1.2",
       no_validator,
       {"If-None-Match: *"},
       {Answer::not_modified, Reason::any_representation}},
      {"an entity tag, when none is stored",
       "9110 13.1.2",
       no_etag,
       {"If-None-Match: \"a\""},
       {Answer::send_whole, Reason::entity_tag_not_listed}},
      {"a stored ETag without quotes is none",
       "9110 8.8.3",
       bad_etag,
       {"If-None-Match: a, \"a\""},
       {Answer::send_whole, Reason::entity_tag_not_listed}},
      {"If-None-Match hides If-Modified-Since that would match",
       "9110 13.1.3",
       both,
       {"If-None-Match: \"b\"", "If-Modified-Since: " + modified},
       {Answer::send_whole, Reason::entity_tag_not_listed}},
      {"If-None-Match hides If-Modified-Since that would not",
       "9110 13.1.3",
       both,
       {"If-None-Match: \"a\"", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"},
       {Answer::not_modified, Reason::entity_tag_listed}},
      {"so does a malformed one",
       "9110 13.1.3",
       both,
       {"If-None-Match: a", "If-Modified-Since: " + modified},
       {Answer::send_whole, Reason::entity_tag_not_listed}},
      {"so does an empty one",
       "9110 13.1.3",
       both,
       {"If-None-Match:", "If-Modified-Since: " + modified},
       {Answer::send_whole, Reason::entity_tag_not_listed}},
      {"so does one where no entity tag is stored",
       "9110 13.1.3",
       no_etag,
       {"If-None-Match: \"b\"", "If-Modified-Since: " + modified},
       {Answer::send_whole, Reason::entity_tag_not_listed}},
      {"modified at that very second",
       "9110 13.1.3",
       both,
       {"If-Modified-Since: " + modified},
       {Answer::not_modified, Reason::not_modified_since}},
      {"modified one second later",
       "9110 13.1.3",
       both,
       {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"},
       {Answer::send_whole, Reason::modified_since}},
      {"in the form of RFC 850",
       "9110 5.6.7",
       both,
       {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"},
       {Answer::not_modified, Reason::not_modified_since}},
      {"in the form of asctime",
       "9110 5.6.7",
       both,
       {"If-Modified-Since: Sun Nov  6 08:49:37 1994"},
       {Answer::not_modified, Reason::not_modified_since}},
      {"and for HEAD, too",
       "9110 13.1.3",
       both,
       {"If-Modified-Since: " + modified},
       {Answer::not_modified, Reason::not_modified_since},
       "HEAD"},
      {"no date",
       "9110 13.1.3",
       both,
       {"If-Modified-Since: yesterday"},
       {Answer::send_whole, Reason::date_ignored}},
      {"two dates",
       "9110 13.1.3",
       both,
       {"If-Modified-Since: " + modified, "If-Modified-Since: " + modified},
       {Answer::send_whole, Reason::date_ignored}},
      {"without Last-Modified, its Date counts",
       "9111 4.3.2",
       no_validator,
       {"If-Modified-Since: " + modified},
       {Answer::not_modified, Reason::not_modified_since}},
      {"without Last-Modified, its Date is later",
       "9111 4.3.2",
       no_validator,
       {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"},
       {Answer::send_whole, Reason::modified_since}},
      {"a stored Last-Modified that is no date is absent",
       "9111 4.3.2",
       bad_date,
       {"If-Modified-Since: " + modified},
       {Answer::not_modified, Reason::not_modified_since}},
      {"If-Match",
       "9111 4.3.2",
       both,
       {"If-Match: \"a\""},
       {Answer::pass_on, Reason::for_the_origin}},
      {"If-Match before If-None-Match",
       "9110 13.2.2",
       both,
       {"If-None-Match: \"a\"", "If-Match: \"b\""},
       {Answer::pass_on, Reason::for_the_origin}},
      {"If-Unmodified-Since",
       "9111 4.3.2",
       both,
       {"If-Unmodified-Since: " + modified},
       {Answer::pass_on, Reason::for_the_origin}},
      {"another method",
       "9110 13.1.2",
       both,
       {"If-None-Match: \"a\""},
       {Answer::pass_on, Reason::method},
       "DELETE"},
      {"If-Range is no condition of its own",
       "9110 13.1.5",
       both,
       {"If-Range: \"b\""},
       {Answer::send_whole, Reason::unconditional}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    const test::Request request = make_request(c.method, c.fields);
    const PreconditionDecision decision = decide_preconditions(request.head, c.stored, now);
    CHECK(decision.answer == c.expected.answer);
    CHECK(decision.reason == c.expected.reason);
  }
}

TEST_CASE("read_validators") {
  const std::string date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  const SystemSeconds later = noon + std::chrono::seconds{5};
  SUBCASE("all three") {
    const std::string head =
        "content-type: a/b\r\n" + date + "etag: W/\"a\"\r\nLast-Modified:  x y \r\n";
    const Validators found = read_validators(head, later);
    CHECK(found.etag == "W/\"a\"");
    CHECK(found.last_modified == "x y");
    CHECK(found.date == noon);
  }
  SUBCASE("none") {
    const Validators found = read_validators("", later);
    CHECK(found.etag.empty());
    CHECK(found.last_modified.empty());
    CHECK(found.date == later);
  }
  SUBCASE("a Date that is none: when it arrived (9111 4.3.2)") {
    CHECK(read_validators("Date: 0\r\n", later).date == later);
  }
  SUBCASE("twice the same is once, twice different is none") {
    const std::string head =
        date + date + "ETag: \"a\"\r\nETag: \"b\"\r\nLast-Modified: x\r\nLast-Modified: x\r\n";
    const Validators found = read_validators(head, later);
    CHECK(found.etag.empty());
    CHECK(found.last_modified == "x");
    CHECK(found.date == noon);
  }
}

TEST_CASE("append_not_modified_fields (9110 15.4.5)") {
  const std::string required =
      "Cache-Control: max-age=5\r\nContent-Location: /a\r\nDate: d\r\nETag: \"a\"\r\n"
      "Expires: e\r\nVary: Accept\r\n";
  const std::string of_the_response =
      "Access-Control-Allow-Origin: *\r\nCDN-Cache-Control: no-store\r\n"
      "content-security-policy: x\r\nContent-Security-Policy-Report-Only: x\r\n"
      "Server: gunicorn\r\nX-Content-Type: x\r\n";
  const std::string of_the_content =
      "Content-Type: text/html\r\ncontent-encoding: gzip\r\nContent-Language: en\r\n"
      "Content-Disposition: inline\r\nContent-Digest: x\r\nRepr-Digest: x\r\nDIGEST: x\r\n"
      "Content-Range: x\r\n";
  const auto filtered = [](const std::string& head) {
    std::string out = "before\r\n";
    append_not_modified_fields(head, out);
    return out.substr(8);
  };
  CHECK(filtered(of_the_content + required) == required);
  CHECK(filtered(of_the_response + of_the_content) == of_the_response);
  CHECK(filtered("Last-Modified: x\r\n" + required) == required);
  CHECK(filtered("Vary: a\r\nLast-Modified: x\r\n") == "Vary: a\r\nLast-Modified: x\r\n");
  CHECK(filtered("") == "");
}

}  // namespace
}  // namespace larder::policy
