#include "policy/compression.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

using Which = RepresentationDecision::Which;
using Reason = RepresentationDecision::Reason;
using enum UncompressedReason;

constexpr std::string_view json = "Content-Type: application/json\r\n";

CompressionDecision decide(const std::string& head, std::uint64_t size = 8000,
                           std::uint16_t status = 200, CompressionRule rule = {}) {
  return decide_compression({.status = status, .head = head, .size = size}, rule);
}

TEST_CASE("what is stored compressed") {
  struct Case {
    const char* name;
    const char* section;
    std::string head;
    std::optional<UncompressedReason> reason;  ///< nothing: compressed
  };
  const std::string of_json(json);
  const Case cases[] = {
      {"JSON", "", of_json, {}},
      {"with parameters and in capitals",
       "9110 8.3.1",
       "content-type: Application/JSON ; a=b\r\n",
       {}},
      {"any text", "", "Content-Type: text/html; charset=utf-8\r\n", {}},
      {"a structured suffix", "6839", "Content-Type: application/problem+json\r\n", {}},
      {"SVG", "", "Content-Type: image/svg+xml\r\n", {}},
      {"another suffix of XML", "6839", "Content-Type: application/atom+xml\r\n", {}},
      {"JavaScript by its old name", "", "Content-Type: application/javascript\r\n", {}},
      {"but no picture", "", "Content-Type: image/png\r\n", media_type},
      {"nor what has only the suffix", "", "Content-Type: +json\r\n", media_type},
      {"nor a type that starts alike", "", "Content-Type: application/jsonp\r\n", media_type},
      {"nor an unknown one", "", "Content-Type: application/octet-stream\r\n", media_type},
      {"nor none", "9110 8.3", "Date: now\r\n", media_type},
      {"nor two", "9110 8.3", of_json + of_json, media_type},
      {"nor an event stream, text though it is", "", "Content-Type: text/event-stream\r\n",
       event_stream},
      {"coded by the origin: used as it is", "9110 8.4", of_json + "Content-Encoding: br\r\n",
       already_coded},
      {"a coding that is none", "9110 8.4", of_json + "Content-Encoding: identity\r\n", {}},
      {"no-transform", "9111 5.2.2.6", of_json + "Cache-Control: public, No-Transform\r\n",
       no_transform},
      {"no-transform in a targeted field", "9213 2.1",
       of_json + "CDN-Cache-Control: max-age=60, no-transform\r\n", no_transform},
      {"no-transform beside a targeted field", "9110 7.7",
       of_json + "CDN-Cache-Control: max-age=60\r\nCache-Control: no-transform\r\n", no_transform},
      {"no-transform inside of a quoted string is none",
       "9110 5.6.4",
       of_json + "Cache-Control: x=\"a, no-transform\"\r\n",
       {}},
      {"a part that says so in its head", "9110 14.4", of_json + "Content-Range: bytes 0-1/2\r\n",
       partial_content},
      {"a strong tag", "9110 8.8.3", of_json + "ETag: \"a\"\r\n", {}},
      {"a tag as ours", "", of_json + "ETag: \"a-larder-gzip\"\r\n", entity_tag},
      {"one that only contains it", "", of_json + "ETag: \"-larder-gzip-a\"\r\n", {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    const CompressionDecision decision = decide(c.head);
    if (c.reason)
      CHECK(decision == CompressionDecision(StoreAsIs{*c.reason}));
    else
      CHECK(decision == CompressionDecision(StoreCompressed{7000}));
  }
}

TEST_CASE("what is stored compressed, by status, size and rule") {
  const std::string of_json(json);
  CHECK(decide(of_json, 1024) == CompressionDecision(StoreCompressed{896}));
  CHECK(decide(of_json, 1025) == CompressionDecision(StoreCompressed{896}));
  CHECK(decide(of_json, 1023) == CompressionDecision(StoreAsIs{too_small}));
  CHECK(decide(of_json, 10, 200, {.least_size = 10}) == CompressionDecision(StoreCompressed{8}));
  CHECK(decide(of_json, 0, 200, {.least_size = 0}) == CompressionDecision(StoreAsIs{too_small}));
  CHECK(decide(of_json, 8000, 200, {.is_on = false}) ==
        CompressionDecision(StoreAsIs{switched_off}));
  CHECK(decide(of_json, 8000, 206) == CompressionDecision(StoreAsIs{partial_content}));
  CHECK(decide(of_json, 8000, 404) == CompressionDecision(StoreCompressed{7000}));
}

TEST_CASE("which representation of what is stored compressed a client gets (RFC 9110 12.5.3)") {
  struct Case {
    const char* name;
    std::optional<std::string_view> accept_encoding;
    RepresentationDecision expected;
  };
  const Case cases[] = {
      {"who asks for gzip gets what is stored",
       "gzip, br",
       {Which::as_stored, Reason::accepted, true}},
      {"also by *", "*", {Which::as_stored, Reason::accepted, true}},
      {"and nothing else where it says so",
       "gzip, identity;q=0",
       {Which::as_stored, Reason::accepted, false}},
      {"who says nothing gets it decoded", {}, {Which::decoded, Reason::no_accept_encoding, true}},
      {"as does who wants no coding", "", {Which::decoded, Reason::not_accepted, false}},
      {"who takes others only", "br, zstd", {Which::decoded, Reason::not_accepted, false}},
      {"who forbids it", "gzip;q=0", {Which::decoded, Reason::not_accepted, false}},
      {"who would rather have it plain",
       "gzip;q=0.5, identity",
       {Which::decoded, Reason::identity_preferred, true}},
      {"and who can have neither",
       "br, identity;q=0",
       {Which::decoded, Reason::nothing_acceptable, false}},
      {"even when nothing at all is acceptable",
       "*;q=0",
       {Which::decoded, Reason::nothing_acceptable, false}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const http::AcceptEncoding accepted(c.accept_encoding);
    CHECK(decide_representation(accepted, true, false) == c.expected);
    CHECK(decide_representation(accepted, false, false) ==
          RepresentationDecision{Which::as_stored, Reason::not_coded, false});
    CHECK(decide_representation(accepted, true, true) ==
          RepresentationDecision{Which::decoded, Reason::no_transform, false});
    CHECK(decide_representation(accepted, false, true) ==
          RepresentationDecision{Which::as_stored, Reason::not_coded, false});
  }
}

TEST_CASE("the heads of the two representations") {
  struct Case {
    const char* name;
    const char* section;
    std::string head;
    std::string decoded;
    std::string coded;
  };
  const Case cases[] = {
      {"a coding, and Vary, are told", "9110 8.4, 12.5.5", "Content-Type: a/b\r\n",
       "Content-Type: a/b\r\nVary: Accept-Encoding\r\n",
       "Content-Type: a/b\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\n"},
      {"Vary is extended", "9110 12.5.5", "Vary: Accept\r\nDate: now\r\n",
       "Vary: Accept, Accept-Encoding\r\nDate: now\r\n",
       "Vary: Accept, Accept-Encoding\r\nDate: now\r\nContent-Encoding: gzip\r\n"},
      {"of two the last", "9110 5.3", "Vary: A\r\nvary: B \r\nX: y\r\n",
       "Vary: A\r\nvary: B, Accept-Encoding \r\nX: y\r\n",
       "Vary: A\r\nvary: B, Accept-Encoding\r\nX: y\r\nContent-Encoding: gzip\r\n"},
      {"unless it says it already", "9110 12.5.5", "Vary: Cookie, accept-encoding\r\n",
       "Vary: Cookie, accept-encoding\r\n",
       "Vary: Cookie, accept-encoding\r\nContent-Encoding: gzip\r\n"},
      {"or says more", "9110 12.5.5", "Vary: *\r\n", "Vary: *\r\n",
       "Vary: *\r\nContent-Encoding: gzip\r\n"},
      {"an empty Vary says nothing", "9110 5.6.1.2", "Vary: \r\n",
       "Vary: \r\nVary: Accept-Encoding\r\n",
       "Vary: \r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\n"},
      {"strong tags differ", "9110 8.8.3.3", "ETag: \"a\"\r\nVary: *\r\n",
       "ETag: \"a\"\r\nVary: *\r\n",
       "ETag: \"a-larder-gzip\"\r\nVary: *\r\nContent-Encoding: gzip\r\n"},
      {"a weak one is shared", "9110 8.8.1", "ETag: W/\"a\"\r\nVary: *\r\n",
       "ETag: W/\"a\"\r\nVary: *\r\n", "ETag: W/\"a\"\r\nVary: *\r\nContent-Encoding: gzip\r\n"},
      {"what is no tag cannot be made to differ", "9110 8.8.3", "ETag: a\r\nVary: *\r\n",
       "ETag: a\r\nVary: *\r\n", "Vary: *\r\nContent-Encoding: gzip\r\n"},
      {"digests are of the origin's bytes", "9530 2, 3",
       "repr-digest: x\r\nContent-Digest: x\r\nContent-MD5: x\r\nDigest: x\r\nWant-Digest: "
       "x\r\nVary: "
       "*\r\n",
       "repr-digest: x\r\nContent-Digest: x\r\nContent-MD5: x\r\nDigest: x\r\nWant-Digest: "
       "x\r\nVary: "
       "*\r\n",
       "Want-Digest: x\r\nVary: *\r\nContent-Encoding: gzip\r\n"},
      {"ranges may be asked of either", "9110 14.3", "Accept-Ranges: bytes\r\nVary: *\r\n",
       "Accept-Ranges: bytes\r\nVary: *\r\n",
       "Accept-Ranges: bytes\r\nVary: *\r\nContent-Encoding: gzip\r\n"},
      {"of codings there is one", "9110 8.4", "Content-Encoding: identity\r\nVary: *\r\n",
       "Content-Encoding: identity\r\nVary: *\r\n", "Vary: *\r\nContent-Encoding: gzip\r\n"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    CHECK(make_decoded_head(c.head) == c.decoded);
    CHECK(make_coded_head(c.head) == c.coded);
  }
}

TEST_CASE("entity tags of the coded representation") {
  CHECK(make_coded_entity_tag("\"a\"") == "\"a-larder-gzip\"");
  CHECK(make_coded_entity_tag("\"\"") == "\"-larder-gzip\"");
  CHECK(make_coded_entity_tag("W/\"a\"") == "W/\"a\"");
  for (const std::string_view none :
       {"", "a", "\"", "\"a", "a\"", "\"a\"b\"", "\"a b\"", "w/\"a\""}) {
    CAPTURE(none);
    CHECK(make_coded_entity_tag(none).empty());
  }
}

TEST_CASE("conditions of a client's own request name tags as the origin knows them") {
  struct Case {
    const char* name;
    std::string_view sent;
    std::optional<std::string> forwarded;
  };
  const Case cases[] = {
      {"ours is mapped back", "\"a-larder-gzip\"", "\"a\""},
      {"each of ours is", "\"a-larder-gzip\", \"b\" ,\"c-larder-gzip\" ", "\"a\", \"b\" ,\"c\" "},
      {"the tag of nothing is", "\"-larder-gzip\"", "\"\""},
      {"one that somebody made weak stays weak", "W/\"a-larder-gzip\"", "W/\"a\""},
      {"a comma inside of a tag is part of it", "\"a,-larder-gzip\"", "\"a,\""},
      {"of an origin's own nothing is changed", "\"a\", W/\"b\"", {}},
      {"any is any", "*", {}},
      {"what stands between tags is none", "\"a\"-larder-gzip\"b\"", {}},
      {"nor is what does not end", "\"a-larder-gzip", {}},
      {"only the end of a tag counts", "\"a-larder-gzip-b\"", {}},
      {"nothing is nothing", "", {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(make_origin_entity_tags(c.sent) == c.forwarded);
  }
}

TEST_CASE("a 304 to such a request has the tag that the client knows (RFC 9111 4.3.4)") {
  CHECK(make_client_entity_tag("\"a\"", "\"a-larder-gzip\"") == "\"a-larder-gzip\"");
  CHECK(make_client_entity_tag("\"a\"", "\"b\", \"a-larder-gzip\"") == "\"a-larder-gzip\"");
  CHECK(make_client_entity_tag("\"a\"", "\"a-larder-gzip\", \"a\"") == "\"a\"");
  CHECK(make_client_entity_tag("\"a\"", "\"a\"") == "\"a\"");
  CHECK(make_client_entity_tag("\"a\"", "\"b-larder-gzip\"") == "\"a\"");
  CHECK(make_client_entity_tag("W/\"a\"", "W/\"a\"") == "W/\"a\"");
  CHECK(make_client_entity_tag("a", "\"a-larder-gzip\"") == "a");
}

TEST_CASE("each reason has words of its own") {
  for (int reason = 0; reason <= static_cast<int>(no_gain); ++reason) {
    CHECK_FALSE(describe(static_cast<UncompressedReason>(reason)).empty());
    for (int other = 0; other < reason; ++other)
      CHECK(describe(static_cast<UncompressedReason>(reason)) !=
            describe(static_cast<UncompressedReason>(other)));
  }
}

}  // namespace
}  // namespace larder::policy
