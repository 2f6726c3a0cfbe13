#include "policy/shared_lines.hpp"

#include <doctest/doctest.h>

#include "policy/compression.hpp"
#include "policy/stored_response.hpp"
#include "policy/text.hpp"

namespace larder::policy {
namespace {

TEST_CASE("share_lines: each head is one run of the text") {
  struct Case {
    const char* name;
    std::string_view decoded;
    std::string_view coded;
    std::string_view text;
    std::string_view decoded_part;
    std::string_view coded_part;
  };
  const Case cases[] = {
      {"of one head alone, the head", "A: 1\r\nB: 2\r\n", "", "A: 1\r\nB: 2\r\n",
       "A: 1\r\nB: 2\r\n", ""},
      {"what both have lies between what one has", "A: 1\r\nE: x\r\nB: 2\r\n",
       "A: 1\r\nE: y\r\nB: 2\r\nC: 3\r\n", "E: x\r\nA: 1\r\nB: 2\r\nE: y\r\nC: 3\r\n",
       "E: x\r\nA: 1\r\nB: 2\r\n", "A: 1\r\nB: 2\r\nE: y\r\nC: 3\r\n"},
      {"lines of one name stay together and in order", "V: a\r\nA: 1\r\nV: b\r\n",
       "V: a\r\nA: 1\r\nv: b\r\nV: c\r\n", "V: a\r\nV: b\r\nA: 1\r\nV: a\r\nv: b\r\nV: c\r\n",
       "V: a\r\nV: b\r\nA: 1\r\n", "A: 1\r\nV: a\r\nv: b\r\nV: c\r\n"},
      {"nothing in common", "A: 1\r\n", "B: 2\r\n", "A: 1\r\nB: 2\r\n", "A: 1\r\n", "B: 2\r\n"},
      {"the same twice", "A: 1\r\n", "A: 1\r\n", "A: 1\r\n", "A: 1\r\n", "A: 1\r\n"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const SharedLines shared = share_lines(c.decoded, c.coded);
    CHECK(shared.text == c.text);
    CHECK(shared.decoded() == c.decoded_part);
    CHECK(shared.coded() == c.coded_part);
  }
}

TEST_CASE("share_lines: of a compressed response little more than one head") {
  const std::string head =
      "Server: gunicorn\r\nContent-Type: application/json\r\nAllow: GET, HEAD, OPTIONS\r\n"
      "X-Frame-Options: DENY\r\nReferrer-Policy: same-origin\r\n"
      "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\nETag: \"a\"\r\n";
  CHECK(share_lines(head, make_coded_head(head)).text.size() < head.size() + 80);
}

TEST_CASE("Text: its own characters, or those of a block") {
  const std::string lasting = "abc";
  const Text lent = Text::within(lasting);
  CHECK(lent.data() == lasting.data());
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): that copy is what is tested
  const Text copy = lent;
  CHECK(copy.data() != lasting.data());
  CHECK(copy == "abc");
  Text moved = Text(std::string("x"));
  Text target(copy);
  target = std::move(moved);
  CHECK(target == "x");
  target = Text();
  CHECK(target.empty());
  CHECK(target == Text(""));
  CHECK(sizeof(Text) == 12);
}

TEST_CASE("Texts: as they were given") {
  const std::vector<std::string> lists[] = {{}, {"a"}, {"a", "", "bc"}, {""}};
  for (const std::vector<std::string>& list : lists) {
    CAPTURE(list.size());
    const Texts texts(list);
    CHECK(texts.size() == list.size());
    CHECK(texts.empty() == list.empty());
    CHECK(texts.to_vector() == list);
    CHECK(Texts::within(texts.joined()) == texts);
  }
  CHECK(Texts{"a", "b"} != Texts{"ab"});
}

TEST_CASE("SharedBytes: what is lent is copied, what is owned is shared") {
  const std::string lasting = "abc";
  const SharedBytes lent = SharedBytes::lend(lasting);
  CHECK(lent.view().data() == lasting.data());
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): that copy is what is tested
  const SharedBytes copy = lent;
  CHECK(copy.view() == "abc");
  CHECK(copy.view().data() != lasting.data());
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): that copy is what is tested
  const SharedBytes shared = copy;
  CHECK(shared.view().data() == copy.view().data());
  CHECK(SharedBytes(SharedBytes::lend("")).view().empty());
}

}  // namespace
}  // namespace larder::policy
