// Store contract: every promise of Store, as checks that each implementation has to pass.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "store/test_store.hpp"

namespace larder::test {

using store::EvictOutcome;
using store::PutOutcome;

inline constexpr Resource models{"models", "/api/models/"};
inline constexpr Resource model_7{"models", "/api/models/7/"};
inline constexpr Resource stats{"stats", "/stats/"};

/// `make`: a store that is available and empty.
inline void check_store_contract(const std::function<std::unique_ptr<TestStore>()>& make) {
  const std::unique_ptr<TestStore> a = make();
  REQUIRE(a->store->is_available());

  SUBCASE("what was put is found as it was, under its key alone") {
    CHECK(a->content("k", models) == "-");
    policy::StoredResponse response = *make_response("content");
    response.status = 404;
    response.initial_age = std::chrono::seconds(12);
    response.vary = {"accept", "x-a"};
    const auto pointer = std::make_shared<const policy::StoredResponse>(response);
    REQUIRE(a->put("k", models, a->stamps(models).value(), pointer) == PutOutcome::stored);
    for (int round = 0; round < 3; ++round) {
      const Lookup found = a->lookup("k", models);
      REQUIRE(found.available);
      REQUIRE(found.response);
      CHECK(found.tier != store::Tier::none);
      CHECK(found.response->status == 404);
      CHECK(found.response->head == response.head);
      CHECK(found.response->content.view() == "content");
      CHECK(found.response->response_time == response.response_time);
      CHECK(found.response->initial_age == response.initial_age);
      CHECK(found.response->vary == response.vary);
    }
    for (const char* key : {"", "K", "k ", "kk"}) CHECK(a->content(key, models) == "-");
  }

  SUBCASE("a later put replaces an earlier one") {
    a->fill("k", models, "first");
    CHECK(a->fill("k", models, "second") == PutOutcome::stored);
    CHECK(a->content("k", models) == "second");
  }

  SUBCASE("what is dropped is gone, alone, and its key can be filled again") {
    a->fill("k", models, "first");
    a->fill("other", models, "stays");
    CHECK(a->content("k", models) == "first");
    CHECK(a->drop("k"));
    CHECK(a->content("k", models) == "-");
    CHECK(a->content("other", models) == "stays");
    CHECK(a->drop("k"));
    CHECK(a->drop("never there"));
    CHECK(a->fill("k", models, "second") == PutOutcome::stored);
    CHECK(a->content("k", models) == "second");
  }

  SUBCASE("a 304 gives what is stored a new head and leaves the content where it is") {
    REQUIRE(a->fill("k", models, "content") == PutOutcome::stored);
    policy::StoredResponse response = *make_response("content");
    response.head = "Content-Type: text/plain\r\nETag: \"2\"\r\n";
    response.lifetime = std::chrono::seconds(77);
    const auto freshened = std::make_shared<const policy::StoredResponse>(response);
    REQUIRE(a->freshen("k", models, a->stamps(models).value(), freshened) == PutOutcome::stored);
    for (int round = 0; round < 2; ++round) {
      const Lookup found = a->lookup("k", models);
      REQUIRE(found.response);
      CHECK(found.response->head == response.head);
      CHECK(found.response->lifetime == response.lifetime);
      CHECK(found.response->content.view() == "content");
    }
  }

  SUBCASE("contents of any size, whole") {
    for (const std::size_t size : {0, 1, 255, 256, 257, 4'096, 65'536, 1'000'000, 8 << 20}) {
      CAPTURE(size);
      std::string content(size, '\0');
      for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 7 + i / 251);
      CHECK(a->fill("size", models, content) == PutOutcome::stored);
      CHECK(a->content("size", models) == content);
    }
  }

  SUBCASE("keys and paths of any bytes and lengths are kept apart") {
    const std::string long_text(600, 'x');
    const std::vector<std::string> texts = {"a",
                                            "a b",
                                            "a\r\nb",
                                            std::string("a\0b", 3),
                                            "\xff\xfe",
                                            "a\"b\\",
                                            long_text + "1",
                                            long_text + "2",
                                            long_text,
                                            std::string(512, 'x'),
                                            std::string(513, 'x'),
                                            std::string(8'000, 'y')};
    for (const std::string& text : texts)
      REQUIRE(a->fill(text, {"models", "/" + text}, "of " + text) == PutOutcome::stored);
    for (const std::string& text : texts)
      CHECK(a->content(text, {"models", "/" + text}) == "of " + text);
    policy::Tags tags{"p:/" + long_text + "1"};
    a->evict(tags);
    CHECK(a->content(long_text + "1", {"models", "/" + long_text + "1"}) == "-");
    CHECK(a->content(long_text + "2", {"models", "/" + long_text + "2"}) ==
          "of " + long_text + "2");
  }

  SUBCASE("softening any of its tags makes a response stale but usable, until it is put again") {
    for (const std::string& tag : policy::tags_of_response(model_7.rule, model_7.path)) {
      CAPTURE(tag);
      REQUIRE(a->fill("k", model_7, "old") == PutOutcome::stored);
      a->fill("other", stats, "other");
      const Stamps before = a->stamps(model_7).value();
      CHECK(a->soften({tag}) == EvictOutcome::done);
      CHECK(a->content("k", model_7) == "old softened");
      CHECK(a->content("k", model_7) == "old softened");
      if (tag != "b:/") CHECK(a->content("other", stats) == "other");
      // A fill that began before it may not make it fresh again.
      CHECK(a->put("k", model_7, before, make_response("older")) == PutOutcome::outdated);
      CHECK(a->content("k", model_7).ends_with(" softened"));
      CHECK(a->fill("k", model_7, "new") == PutOutcome::stored);
      CHECK(a->content("k", model_7) == "new");
    }
  }

  SUBCASE("softened many times it is stale still; a 304 makes it fresh") {
    REQUIRE(a->fill("k", models, "content") == PutOutcome::stored);
    for (int i = 0; i < 255; ++i) a->soften({"p:/api/models"});
    CHECK(a->content("k", models) == "content softened");
    CHECK(a->freshen("k", models, a->stamps(models).value(), make_response("content")) ==
          PutOutcome::stored);
    CHECK(a->content("k", models) == "content");
  }

  SUBCASE("what is evicted is gone, softened before or after") {
    a->fill("k", models, "old");
    a->soften({"r:models"});
    a->evict({"p:/api/models"});
    CHECK(a->content("k", models) == "-");
    a->fill("k", models, "old");
    a->evict({"p:/api/models"});
    a->soften({"p:/api/models", "r:models"});
    CHECK(a->content("k", models) == "-");
    a->fill("k", models, "old");
    a->soften({"p:/api/models"});
    a->evict({"e:"});
    CHECK(a->content("k", models) == "-");
  }

  SUBCASE("softening a tag that a response names") {
    REQUIRE(a->fill("k", models, "old", {"t:price"}) == PutOutcome::stored);
    a->fill("other", stats, "other");
    const Stamps before = a->stamps(models).value();
    CHECK(a->soften({"t:price"}) == EvictOutcome::done);
    CHECK(a->content("k", models) == "old softened");
    CHECK(a->content("other", stats) == "other");
    CHECK(a->put("k2", models, before, make_response("older", {"t:price"})) ==
          PutOutcome::outdated);
    CHECK(a->fill("k", models, "new", {"t:price"}) == PutOutcome::stored);
    CHECK(a->content("k", models) == "new");
  }

  SUBCASE("evicting any of its tags makes a response unusable, any other does not") {
    for (const std::string& tag : policy::tags_of_response(model_7.rule, model_7.path)) {
      CAPTURE(tag);
      a->fill("k", model_7, "old");
      a->fill("other", stats, "other");
      CHECK(a->evict({"p:/api/models/8", "r:other", "b:/api/models/7", "p:/api"}) ==
            EvictOutcome::done);
      CHECK(a->content("k", model_7) == "old");
      CHECK(a->evict({tag}) == EvictOutcome::done);
      CHECK(a->content("k", model_7) == "-");
      CHECK(a->content("other", stats) == (tag == "b:/" ? "-" : "other"));
    }
  }

  SUBCASE("what is one user's goes with that user's tag, and with everybody's") {
    const Resource ann{model_7.rule, model_7.path, "ann"};
    const Resource bob{model_7.rule, model_7.path, "bob"};
    const auto fill_both = [&] {
      CHECK(a->fill("of ann", ann, "ann's") == PutOutcome::stored);
      CHECK(a->fill("of bob", bob, "bob's") == PutOutcome::stored);
    };
    fill_both();
    CHECK(a->evict({"u:models=ann"}) == EvictOutcome::done);
    CHECK(a->content("of ann", ann) == "-");
    CHECK(a->content("of bob", bob) == "bob's");
    fill_both();
    CHECK(a->evict({"p:/api/models/7"}) == EvictOutcome::done);
    CHECK(a->content("of ann", ann) == "-");
    CHECK(a->content("of bob", bob) == "-");
    // What was stored before its rule told users apart is not current either.
    CHECK(a->fill("of ann", model_7, "nobody's") == PutOutcome::stored);
    const Stamps untagged = a->stamps(model_7).value();
    CHECK(a->put("of ann", ann, untagged, make_response("nobody's")) == PutOutcome::outdated);
  }

  SUBCASE("evicting everything") {
    a->fill("k", model_7, "old");
    a->fill("other", stats, "old");
    CHECK(a->evict({std::string(store::everything_tag)}) == EvictOutcome::done);
    CHECK(a->content("k", model_7) == "-");
    CHECK(a->content("other", stats) == "-");
    CHECK(a->fill("k", model_7, "new") == PutOutcome::stored);
    CHECK(a->content("k", model_7) == "new");
  }

  SUBCASE("the stale set: a fill that began before an eviction is not used after it") {
    const Stamps before = a->stamps(models).value();
    REQUIRE(a->evict({"p:/api/models"}) == EvictOutcome::done);
    CHECK(a->put("k", models, before, make_response("old")) == PutOutcome::outdated);
    CHECK(a->content("k", models) == "-");
    CHECK(a->fill("k", models, "new") == PutOutcome::stored);
    CHECK(a->put("k", models, before, make_response("old")) == PutOutcome::outdated);
    CHECK(a->content("k", models) != "old");
  }

  SUBCASE("the same with the stamps that a lookup returned") {
    a->fill("k", models, "older");
    a->evict({"r:models"});
    Lookup found = a->lookup("k", models);
    REQUIRE_FALSE(found.response);
    const Stamps before = a->stamps(models, found.stamps).value();
    a->evict({"r:models"});
    CHECK(a->put("k", models, before, make_response("old")) == PutOutcome::outdated);
    CHECK(a->content("k", models) == "-");
  }

  SUBCASE("stamps: equal exactly while nothing was evicted") {
    const Stamps first = a->stamps(models).value();
    CHECK(a->stamps(models).value() == first);
    CHECK(a->lookup("k", models).stamps == first);
    CHECK(a->stamps(models, a->lookup("k", models).stamps).value() == first);
    a->evict({"p:/elsewhere"});
    CHECK(a->stamps(models).value() == first);
    a->evict({"b:/api"});
    CHECK(a->lookup("k", models).stamps != first);
    CHECK(a->stamps(models).value() != first);
  }

  SUBCASE("a fill begins with the stamps that there are, and nobody else is said to fill") {
    const Stamps first = a->stamps(models).value();
    for (const Stamps& known : {Stamps(), first, Stamps(first.size(), 0)}) {
      const store::FillStart start = a->run(a->store->begin_fill("k", models, known, nullptr));
      CHECK(start.stamps == first);
      CHECK(start.filled_by.empty());
      CHECK_FALSE(start.stored_since);
      CHECK_FALSE(a->run(a->store->is_filling("k", start, nullptr)));
      a->store->end_fill("k");
    }
    const store::FillStart before = a->run(a->store->begin_fill("k", models, first, nullptr));
    a->evict({"p:/api/models"});
    CHECK(a->put("k", models, *before.stamps, make_response("old")) == PutOutcome::outdated);
  }

  SUBCASE("tags that the response names") {
    CHECK(a->fill("k", models, "named", {"k:one", "k:two"}) == PutOutcome::stored);
    CHECK(a->fill("plain", stats, "plain") == PutOutcome::stored);
    for (int round = 0; round < 2; ++round) CHECK(a->content("k", models) == "named");
    CHECK(a->lookup("k", models).response->tags == policy::Tags{"k:one", "k:two"});
    a->evict({"k:three"});
    CHECK(a->content("k", models) == "named");
    a->evict({"k:two"});
    CHECK(a->content("k", models) == "-");
    CHECK(a->content("plain", stats) == "plain");

    // A fill does not know them before the response is there; an eviction meanwhile counts all the
    // same.
    const Stamps before = a->stamps(models).value();
    a->evict({"k:two"});
    CHECK(a->put("k", models, before, make_response("old", {"k:two"})) == PutOutcome::outdated);
    CHECK(a->content("k", models) == "-");
    CHECK(a->put("k", models, before, make_response("without")) == PutOutcome::stored);
    CHECK(a->content("k", models) == "without");
  }

  SUBCASE("tags that the request tells are known before the origin is asked") {
    const std::string ann_tags[] = {"t:user:ann", "t:all"};
    const std::string bob_tags[] = {"t:user:bob", "t:all"};
    const Resource ann{.rule = "models", .path = "/api/models/", .rule_tags = ann_tags};
    const Resource bob{.rule = "models", .path = "/api/models/", .rule_tags = bob_tags};
    const auto fill_all = [&] {
      CHECK(a->fill("of ann", ann, "ann's") == PutOutcome::stored);
      CHECK(a->fill("of bob", bob, "bob's") == PutOutcome::stored);
      CHECK(a->fill("named", stats, "named", {"t:user:ann"}) == PutOutcome::stored);
    };
    fill_all();
    for (int round = 0; round < 2; ++round) CHECK(a->content("of ann", ann) == "ann's");
    a->evict({"t:user:ann"});
    CHECK(a->content("of ann", ann) == "-");
    CHECK(a->content("of bob", bob) == "bob's");
    CHECK(a->content("named", stats) == "-");
    fill_all();
    a->evict({"t:all"});
    CHECK(a->content("of ann", ann) == "-");
    CHECK(a->content("of bob", bob) == "-");
    CHECK(a->content("named", stats) == "named");

    // Unlike those that a response names: a fill has their stamps, and is refused by them alone.
    const Stamps before = a->stamps(ann, {}, "of ann").value();
    a->evict({"t:user:bob"});
    CHECK(a->put("of ann", ann, before, make_response("new")) == PutOutcome::stored);
    a->evict({"t:user:ann"});
    CHECK(a->put("of ann", ann, before, make_response("old")) == PutOutcome::outdated);
    // Both at once: the response names what its request told already.
    CHECK(a->fill("of ann", ann, "twice", {"t:all"}) == PutOutcome::stored);
    CHECK(a->content("of ann", ann) == "twice");
    a->evict({"t:all"});
    CHECK(a->content("of ann", ann) == "-");
  }

  SUBCASE("nothing is kept beyond its lifetime") {
    CHECK(a->put("none", models, a->stamps(models).value(), make_response("x"), 0s) ==
          PutOutcome::outdated);
    CHECK(a->put("past", models, a->stamps(models).value(), make_response("x"), -5s) ==
          PutOutcome::outdated);
    CHECK(a->content("none", models) == "-");
    CHECK(a->content("past", models) == "-");
    CHECK(a->put("k", models, a->stamps(models).value(), make_response("x"), 1s) ==
          PutOutcome::stored);
    CHECK(a->put("long", models, a->stamps(models, {}, "long").value(), make_response("x"),
                 240'000h) == PutOutcome::stored);
    CHECK(a->until([&] { return a->content("k", models) == "-"; }));
    CHECK(a->content("long", models) == "x");
  }

  SUBCASE("a path too deep for tags is neither found nor stored") {
    std::string path;
    for (std::size_t i = 0; i < policy::maximum_tags; ++i) path += "/s";
    const Resource deep{"models", path};
    CHECK(a->content("k", deep) == "-");
    CHECK_FALSE(a->stamps(deep));
    CHECK(a->put("k", deep, {}, make_response("x")) == PutOutcome::outdated);
    CHECK(a->content("k", deep) == "-");
  }

  SUBCASE("stamps of another resource do not do") {
    const Stamps others = a->stamps(stats).value();
    CHECK(a->put("k", models, others, make_response("x")) == PutOutcome::outdated);
    CHECK(a->content("k", models) == "-");
  }

  SUBCASE("many at once, each with its own answer") {
    constexpr int count = 300;
    for (int i = 0; i < count; i += 2) a->fill(std::to_string(i), models, std::to_string(i));
    int right = 0;
    int done = 0;
    const auto ask = [&](int i) -> awaitable<void> {
      const std::string key = std::to_string(i);
      const Lookup found = co_await a->store->lookup(key, models);
      const bool expected =
          i % 2 == 0 ? found.response && found.response->content.view() == key : !found.response;
      right += found.available && expected ? 1 : 0;
      ++done;
    };
    for (int i = 0; i < count; ++i)
      asio::co_spawn(a->context, ask(i), [](const std::exception_ptr&) {});
    CHECK(a->until([&] { return done == count; }));
    CHECK(right == count);
  }

  SUBCASE("closed: everything is unavailable, at once") {
    a->fill("k", models, "x");
    const Stamps known = a->stamps(models).value();
    a->store->close();
    CHECK_FALSE(a->store->is_available());
    CHECK(a->content("k", models) == "!");
    CHECK_FALSE(a->stamps(models));
    const store::FillStart start = a->run(a->store->begin_fill("k", models, known, nullptr));
    CHECK_FALSE(start.stamps);
    CHECK(start.filled_by.empty());
    a->store->end_fill("k");
    CHECK(a->put("k", models, known, make_response("x")) == PutOutcome::unavailable);
  }
}

}  // namespace larder::test
