#include "policy/forwarding.hpp"

#include <doctest/doctest.h>

#include "support/heads.hpp"

namespace larder::policy {
namespace {

using test::Request;

std::string forward(const Request& request, bool trusted, std::string_view peer = "192.0.2.1") {
  std::string out;
  append_forward_head(request.head, decide_forwarded(request.head, peer, trusted, "http"),
                      {.body = request.head.framing}, out);
  return out;
}

TEST_CASE("append_forward_head: the target and Host go on as they came") {
  CHECK(forward(
            Request({"GET /a%2Fb/../c?x=%zz&y HTTP/1.1", "Host: Api.Example:8080", "Accept: */*"}),
            false) ==
        "GET /a%2Fb/../c?x=%zz&y HTTP/1.1\r\nHost: Api.Example:8080\r\nAccept: */*\r\n"
        "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: "
        "Api.Example:8080\r\n"
        "Via: 1.1 larder\r\n\r\n");
}

TEST_CASE("append_forward_head: absolute-form leaves as origin-form, with its own Host") {
  CHECK(forward(Request({"GET http://a.example/x?y HTTP/1.1", "Host: a.example"}), false)
            .starts_with("GET /x?y HTTP/1.1\r\nHost: a.example\r\n"));
}

TEST_CASE("X-Forwarded-*: kept and extended from a trusted hop, replaced otherwise") {
  const Request request({"GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 203.0.113.9",
                         "X-Forwarded-Proto: https", "X-Forwarded-Host: b", "X-Forwarded-Port: 444",
                         "X-Real-IP: 203.0.113.9", "Forwarded: for=203.0.113.9"});
  CHECK(forward(request, true) ==
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Port: 444\r\nX-Real-IP: 203.0.113.9\r\n"
        "X-Forwarded-For: 203.0.113.9, 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: "
        "b\r\n"
        "Forwarded: for=203.0.113.9, for=192.0.2.1;host=\"a\";proto=https\r\nVia: 1.1 "
        "larder\r\n\r\n");
  CHECK(forward(request, false) ==
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
        "X-Forwarded-Host: a\r\nVia: 1.1 larder\r\n\r\n");
}

TEST_CASE("X-Forwarded-For: a peer without an address adds nothing to it") {
  const Request named({"GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 203.0.113.9"});
  CHECK(forward(named, true, "").find("X-Forwarded-For: 203.0.113.9\r\n") != std::string::npos);
  const Request unnamed({"GET / HTTP/1.1", "Host: a"});
  CHECK(forward(unnamed, true, "").find("X-Forwarded-For") == std::string::npos);
}

TEST_CASE(
    "hop-by-hop fields stay here, also those Connection names; nobody poses as another with '_'") {
  const std::string out = forward(
      Request({"GET / HTTP/1.1", "Host: a", "Connection: X-Hop, close", "X-Hop: 1", "Keep-Alive: 5",
               "TE: trailers", "Proxy-Authorization: x", "X_Forwarded_For: 6.6.6.6", "X-Stays: 1"}),
      true);
  for (const char* gone :
       {"X-Hop", "Keep-Alive", "TE:", "Proxy-Authorization", "6.6.6.6", "Connection"}) {
    CAPTURE(gone);
    CHECK(out.find(gone) == std::string::npos);
  }
  CHECK(out.find("X-Stays: 1\r\n") != std::string::npos);
}

TEST_CASE("X-Request-ID and traceparent: Larder's in the place of the client's, where it has one") {
  const Request request({"GET / HTTP/1.1", "Host: a", "X-Request-ID: theirs", "traceparent: theirs",
                         "tracestate: kept"});
  CHECK(forward(request, false).find("X-Request-ID: theirs\r\ntraceparent: theirs\r\n") !=
        std::string::npos);
  ForwardedFacts facts = decide_forwarded(request.head, "192.0.2.1", false, "http");
  facts.request_id_line = "X-Request-ID: ours\r\n";
  facts.trace_parent = "ours";
  std::string out;
  append_forward_head(request.head, facts, {}, out);
  CHECK(out.find("theirs") == std::string::npos);
  CHECK(out.find("tracestate: kept\r\n") != std::string::npos);
  CHECK(out.ends_with("X-Request-ID: ours\r\ntraceparent: ours\r\n\r\n"));
  std::string fill;
  facts.trace_parent = {};
  append_fill_head(request.head, facts, "/", {}, "", fill);
  CHECK(fill.find("theirs") == std::string::npos);
  CHECK(fill.find("X-Request-ID: ours\r\n") != std::string::npos);
}

TEST_CASE("framing is written anew") {
  const Request counted(
      {"POST / HTTP/1.1", "Host: a", "Content-Length: 0012", "Expect: 100-continue"});
  std::string out;
  append_forward_head(counted.head, decide_forwarded(counted.head, "", false, "http"),
                      {.body = counted.head.framing, .expect_continue = true}, out);
  CHECK(out.find("Content-Length: 12\r\nExpect: 100-continue\r\n\r\n") != std::string::npos);
  CHECK(out.find("0012") == std::string::npos);
  const Request chunked({"POST / HTTP/1.1", "Host: a", "transfer-encoding: Chunked"});
  CHECK(forward(chunked, false).ends_with("Via: 1.1 larder\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

TEST_CASE("append_end_to_end: what is ours to write is left out") {
  const test::Response response({"HTTP/1.1 200 OK", "Content-Length: 1", "Age: 5",
                                 "X-Cache-Status: HIT", "Cache-Status: x; hit",
                                 "Connection: close, X-Hop", "X-Hop: 1",
                                 "Proxy-Authentication-Info: a=b", "ETag: \"a\""});
  std::string all;
  append_end_to_end(response.head, false, all);
  CHECK(all == "Age: 5\r\nCache-Status: x; hit\r\nETag: \"a\"\r\n");
  std::string without_age;
  append_end_to_end(response.head, true, without_age);
  CHECK(without_age == "Cache-Status: x; hit\r\nETag: \"a\"\r\n");
}

TEST_CASE("append_trailers: only to who asked, and nothing that steers") {
  const Request asks({"GET / HTTP/1.1", "Host: a", "TE: trailers", "Connection: TE"});
  const Request silent({"GET / HTTP/1.1", "Host: a"});
  const std::string_view section = "X-Checksum: 1\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n";
  std::string out;
  append_trailers(section, asks.head.fields, out);
  CHECK(out == "X-Checksum: 1\r\n");
  out.clear();
  append_trailers(section, silent.head.fields, out);
  CHECK(out.empty());
}

}  // namespace
}  // namespace larder::policy
