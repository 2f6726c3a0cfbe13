#include "session/passing_on.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "policy/named_resources.hpp"
#include "policy/named_tags.hpp"
#include "policy/problem.hpp"
#include "session/tunnel.hpp"

namespace larder::session {

awaitable<After> PassingOn::run() {
  const policy::EvictionDecision eviction = decide_eviction(own_.rules);
  store::LeasePointer lease;
  std::optional<WritesInFlight::Entry> in_flight;
  if (const auto* write = std::get_if<policy::Evict>(&eviction)) {
    if (own_.rules.has_shadows()) in_flight.emplace(own_.worker.shared.writes, write->tags);
    // Should this process not live to evict them, the lease will.
    store::LeasePointer taken = co_await own_.worker.store->begin_write(write->tags);
    lease = std::move(taken);
  }
  if (!own_.content.is_at_end()) upload_.emplace(own_.worker.io, own_.content, own_.client.stream);
  make_request(upload_.has_value());
  auto fetched = upload_ ? fetch_with_content(own_.worker.origin, request_, *upload_)
                         : fetch(own_.worker.origin, request_);
  FetchResult result = co_await std::move(fetched);
  const auto* failure = std::get_if<FetchFailure>(&result);

  const bool is_given_up =
      failure ? !was_never_sent(*failure)
              : policy::may_change_yet(std::get<OriginAnswer>(result).head().status);
  // Before the newest rules are looked at: those that come later will see it (Server::reload).
  if (is_given_up && !http::is_safe(own_.head.method, own_.head.method_text))
    own_.worker.shared.write_given_up = SteadyClock::now();

  // Before the client hears of it: whoever asks after that must not be given what was there before.
  policy::Tags old = tags_made_old(eviction, result);
  const policy::Tags old_tags = own_.rules.has_shadows() ? old : policy::Tags();
  if (!old.empty()) {
    co_await evict(std::move(lease), std::move(old), is_given_up);
  } else {
    own_.worker.store->cancel_write(std::move(lease));
  }

  in_flight.reset();
  note_write(result, old_tags);
  After after = After::broken;
  if (failure) {
    own_.record.failure = *failure;
    if (upload_ && !upload_->is_complete()) own_.answer.close_afterwards();
    if (*failure != FetchFailure::client_gone)
      after = co_await own_.answer.send_problem(status_for(*failure), describe(*failure));
  } else {
    OriginAnswer answer = std::move(std::get<OriginAnswer>(result));
    if (answer.head().status == 101) {
      after = co_await tunnel(std::move(answer));
    } else {
      const policy::SystemSeconds now = own_.worker.shared.clock.now_in_seconds();
      if (own_.watch)
        own_.watch->take_head({answer.head(), own_.worker.shared.settings.object_limit, now});
      const RelayTo to{own_.answer,        own_.head, own_.record,
                       own_.worker.origin, now,       own_.watch.get()};
      after = co_await relay(std::move(answer), upload_ ? &*upload_ : nullptr, to);
      if (own_.watch && after != After::broken) own_.watch->end(this_moment());
    }
  }
  if (upload_) co_await upload_->stop();
  co_return after;
}

policy::EvictionDecision PassingOn::decide_eviction(const RuleSet& rules) const {
  return policy::decide_eviction(rules.routes, own_.head.method, own_.head.method_text,
                                 own_.head.path, own_.writer, &own_.head);
}

policy::EvictionDecision PassingOn::decide_eviction_of(const RuleSet& rules,
                                                       const std::string& named) const {
  return policy::decide_eviction(rules.routes, http::Method::post, "POST", named, own_.writer);
}

void PassingOn::make_request(bool has_content) {
  const bool upgrade = wants_upgrade();
  std::string& head = own_.client.scratch.out;
  head.clear();
  policy::append_forward_head(own_.head, own_.forwarded,
                              {.body = own_.head.framing,
                               .expect_continue = own_.head.expects_continue && has_content,
                               .upgrade = upgrade},
                              head);
  request_ = {.head = head,
              .method = own_.head.method,
              .repeatable = !has_content && !upgrade &&
                            http::is_idempotent(own_.head.method, own_.head.method_text),
              .wants_upgrade = upgrade,
              .first_byte_timeout = own_.first_byte_timeout,
              .response_timeout = own_.response_timeout,
              .client_has_left = [this] { return own_.client.stream.has_peer_left(); }};
  if (own_.head.version == http::Version::http_1_1) {
    request_.interim = [this](const http::ResponseHead& told) {
      return own_.answer.send_interim(told);
    };
  }
}

policy::Tags PassingOn::tags_made_old(const policy::EvictionDecision& eviction,
                                      const FetchResult& result) const {
  policy::Tags tags;
  const auto add = [&tags](const policy::EvictionDecision& decided) {
    if (const auto* evict = std::get_if<policy::Evict>(&decided))
      tags.insert(tags.end(), evict->tags.begin(), evict->tags.end());
  };
  add(eviction);
  // Others may have begun to be served by newer rules while this write was with the origin.
  const RuleSet& newest = *own_.worker.rule_set;
  const bool are_newer = &newest != &own_.rules;
  if (are_newer) add(decide_eviction(newest));
  if (const auto* failure = std::get_if<FetchFailure>(&result))
    return was_never_sent(*failure) ? policy::Tags() : tags;
  const http::ResponseHead& told = std::get<OriginAnswer>(result).head();
  if (http::is_safe(own_.head.method, own_.head.method_text) ||
      !policy::may_have_changed(told.status))
    return {};
  // RFC 9111 4.4: what the answer names is evicted as if it had been posted to.
  for (const std::string& path : policy::named_resources(
           told.fields, {own_.head.host, own_.forwarded.host}, own_.head.path)) {
    add(decide_eviction_of(own_.rules, path));
    if (are_newer) add(decide_eviction_of(newest, path));
  }
  const policy::Tags invalidated = policy::read_invalidated_tags(
      told.fields, {own_.forwarded.proto, own_.head.host}, own_.head.method, own_.head.method_text);
  tags.insert(tags.end(), invalidated.begin(), invalidated.end());
  return tags;
}

policy::Moment PassingOn::this_moment() const {
  return std::chrono::floor<milliseconds>(own_.worker.shared.clock.now());
}

void PassingOn::note_write(const FetchResult& result, const policy::Tags& evicted) const {
  Observing* const observing = own_.worker.shared.observing;
  const bool is_heard = own_.rules.has_shadows() || observing;
  if (!is_heard || http::is_safe(own_.head.method, own_.head.method_text)) return;
  const auto* answer = std::get_if<OriginAnswer>(&result);
  if (answer && !policy::may_have_changed(answer->head().status)) return;
  session::note_write(own_.rules.shadows, evicted, own_.head.method_text, own_.head.path,
                      this_moment());
  if (observing)
    observing->note(policy::ObservedWrite{.method = own_.head.method,
                                          .method_text = own_.head.method_text,
                                          .path = own_.head.path,
                                          .answered = this_moment()});
}

awaitable<void> PassingOn::evict(store::LeasePointer lease, policy::Tags tags, bool is_given_up) {
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  own_.record.evicted_tags = tags.size();
  store::Store& store = *own_.worker.store;
  auto told = is_given_up ? store.give_up_write(std::move(lease), std::move(tags))
                          : store.end_write(std::move(lease), std::move(tags));
  const store::EvictOutcome outcome = co_await std::move(told);
  own_.record.eviction_deferred = outcome == store::EvictOutcome::deferred;
}

awaitable<After> PassingOn::tunnel(OriginAnswer answer) {
  const http::ResponseHead& told = answer.head();
  own_.answer.begin(101, policy::reason_phrase(101));
  policy::append_end_to_end(told, false, own_.answer.head());
  if (const auto upgrade = told.fields.combined(http::FieldName::upgrade))
    own_.answer.head().append("Upgrade: ").append(*upgrade).append("\r\n");
  own_.answer.head() += "Connection: Upgrade\r\n\r\n";
  const IoStatus opened = co_await own_.answer.send(answer.connection->after_head(), false);
  if (opened != IoStatus::ok) co_return After::broken;
  // Both sides may be silent for as long as they like.
  own_.client.endless = true;
  own_.client.stream.set_write_pace({});
  const TunnelResult carried =
      co_await run_tunnel(own_.worker.io, own_.client.stream, answer.connection->stream,
                          own_.after_head, own_.worker.shared.settings.client_timeout);
  own_.record.content_sent = carried.to_client;
  co_return After::close;
}

// RFC 9110 7.8. Upgrade: h2c is not passed on: nobody behind us could be held to what we decided.
bool PassingOn::wants_upgrade() const {
  const auto upgrade = own_.head.fields.combined(http::FieldName::upgrade);
  if (!upgrade || own_.head.version != http::Version::http_1_1 || http::has_token(*upgrade, "h2c"))
    return false;
  const auto connection = own_.head.fields.combined(http::FieldName::connection);
  return connection && http::has_token(*connection, "upgrade") && own_.content.is_at_end();
}

}  // namespace larder::session
