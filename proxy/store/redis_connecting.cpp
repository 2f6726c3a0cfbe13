#include "store/redis_connecting.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include "store/pipeline.hpp"
#include "store/redis_greeting.hpp"
#include "store/reply_reader.hpp"

namespace larder::store {

namespace {

using Tcp = asio::ip::tcp;
using Resolver = asio::ip::basic_resolver<Tcp, Executor>;
using config::Endpoint;

constexpr std::size_t answer_limit = std::size_t{1} << 20;  ///< bytes
constexpr std::size_t chunk_size = 16 << 10;
constexpr std::string_view late = "no connection in time";

std::optional<Endpoint> read_master(const Pipeline& pipeline, std::size_t command) {
  const Reply& reply = pipeline.reply(command);
  if (reply.kind != Reply::Kind::array || reply.number != 2) return {};
  const Reply& host = pipeline.element(command, 0);
  const Reply& port = pipeline.element(command, 1);
  if (host.kind != Reply::Kind::text || port.kind != Reply::Kind::text) return {};
  Endpoint master{std::string(pipeline.text(host))};
  const std::string_view digits = pipeline.text(port);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), master.port);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  return master;
}

}  // namespace

RedisPlace make_redis_place(const config::RedisSettings& settings, TlsContext tls) {
  RedisPlace place{settings, std::move(tls), nullptr, {}};
  if (settings.kind != config::RedisKind::single)
    place.topology = std::make_shared<RedisTopology>(settings.seeds);
  return place;
}

MadeTlsContext make_redis_tls(const config::RedisSettings& settings) {
  if (!settings.tls.is_on) return {};
  return make_client_context({.ca_file = settings.tls.ca,
                              .verify = settings.tls.verify,
                              .certificate = settings.tls.certificate,
                              .key = settings.tls.key,
                              .protocol = {}});
}

std::string describe(const config::RedisSettings& settings) {
  switch (settings.kind) {
    case config::RedisKind::single:
      break;
    case config::RedisKind::sentinel:
      return "the master '" + printable(settings.master_name) + "'";
    case config::RedisKind::cluster:
      return "the cluster";
  }
  return config::format_endpoint(settings.endpoint);
}

/// One connect(). Its coroutine keeps it alive, so it may outlive who asked for it.
class RedisConnecting::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(const Executor& executor, const RedisPlace& place)
      : executor_(executor),
        place_(place),
        resolver_(executor),
        limit_(executor),
        until_(SteadyClock::now() + place.settings.connect_timeout) {}

  static awaitable<RedisConnection> run(std::shared_ptr<Attempt> attempt) {
    RedisConnection made = co_await attempt->find_and_open();
    attempt->limit_.cancel();
    if (made.failure.empty())
      made.stream = std::move(attempt->stream_);
    else if (attempt->stream_)
      attempt->stream_->close();
    co_return made;
  }

  void cancel() {
    until_ = SteadyClock::time_point::min();
    limit_.cancel();
    stop_step();
  }

 private:
  void stop_step() {
    resolver_.cancel();
    if (stream_) stream_->close();
  }
  /// A step that takes longer fails.
  void allow(SteadyClock::time_point until) {
    step_until_ = std::min(until, until_);
    limit_.expires_at(step_until_);
    limit_.async_wait([attempt = shared_from_this()](error_code error) {
      if (!error && attempt->is_late()) attempt->stop_step();
    });
  }
  /// One node that hangs must not take the time of the others.
  void allow_question() { allow(SteadyClock::now() + place_.settings.connect_timeout / 3); }
  bool is_late() const { return std::min(step_until_, until_) <= SteadyClock::now(); }
  bool is_over() const { return until_ <= SteadyClock::now(); }

  awaitable<RedisConnection> find_and_open();
  awaitable<std::optional<Endpoint>> find_master(std::string& failure);
  awaitable<std::optional<Endpoint>> ask_sentinel(Endpoint sentinel, std::string& failure);
  awaitable<bool> ask_cluster(Endpoint node, std::string& failure);
  awaitable<std::string> open(Endpoint endpoint);
  awaitable<std::vector<RedisStream::Address>> look_up(Endpoint endpoint, std::string& failure);
  awaitable<bool> ask(Pipeline& pipeline);

  const Executor executor_;
  const RedisPlace place_;
  Resolver resolver_;
  Timer limit_;
  SteadyClock::time_point until_;
  SteadyClock::time_point step_until_ = until_;
  std::shared_ptr<RedisStream> stream_;  ///< of the present step
};

awaitable<RedisConnection> RedisConnecting::Attempt::find_and_open() {
  const config::RedisSettings& settings = place_.settings;
  RedisConnection made;
  std::optional<Endpoint> endpoint = settings.endpoint;
  if (settings.kind != config::RedisKind::single) {
    made.name = describe(settings);
    std::optional<Endpoint> master = co_await find_master(made.failure);
    if (!master) co_return made;
    endpoint = std::move(master);
    made.failure.clear();
  }
  made.name = config::format_endpoint(*endpoint);
  allow(until_);
  std::string failure = co_await open(std::move(*endpoint));
  made.failure = std::move(failure);
  co_return made;
}

awaitable<std::optional<Endpoint>> RedisConnecting::Attempt::find_master(std::string& failure) {
  const bool is_cluster = place_.settings.kind == config::RedisKind::cluster;
  RedisTopology& topology = *place_.topology;
  const std::uint16_t slot = slot_of(place_.root);
  if (is_cluster && topology.is_fresh(SteadyClock::now())) {
    std::optional<Endpoint> known = topology.master_of(slot);
    if (known) co_return known;
  }
  const std::vector<Endpoint> nodes = topology.to_ask();
  failure = late;
  for (const Endpoint& node : nodes) {
    if (is_over()) break;
    allow_question();
    std::optional<Endpoint> master;
    if (is_cluster) {
      const bool has_told = co_await ask_cluster(node, failure);
      if (has_told) master = topology.master_of(slot);
      if (has_told && !master) failure = "no node of it serves slot " + std::to_string(slot);
    } else {
      std::optional<Endpoint> told = co_await ask_sentinel(node, failure);
      master = std::move(told);
    }
    if (stream_) stream_->close();
    if (master) {
      topology.has_answered(node);
      co_return master;
    }
    topology.has_failed(node);
  }
  co_return std::nullopt;
}

awaitable<std::optional<Endpoint>> RedisConnecting::Attempt::ask_sentinel(Endpoint sentinel,
                                                                          std::string& failure) {
  const std::string name = config::format_endpoint(sentinel);
  std::string unopened = co_await open(std::move(sentinel));
  failure = "the Sentinel " + name + ": " + unopened;
  if (!unopened.empty()) co_return std::nullopt;
  // A Sentinel has a password of its own, or none; it is given one only if it asks.
  for (const bool with_password : {false, true}) {
    Pipeline question;
    if (with_password) add_authentication(question, place_.settings);
    const std::size_t command = question.commands();
    question.add({"SENTINEL", "get-master-addr-by-name", place_.settings.master_name});
    const bool answered = co_await ask(question);
    if (!answered) {
      failure += is_late() ? "no answer in time" : "it does not answer as a Sentinel does";
      co_return std::nullopt;
    }
    std::optional<Endpoint> master = read_master(question, command);
    if (master) co_return master;
    const Reply& reply = question.reply(command);
    if (reply.kind != Reply::Kind::error) {
      failure += "it knows no master of that name";
      co_return std::nullopt;
    }
    const std::string_view error = question.text(reply);
    if (with_password || !error.starts_with("NOAUTH") || place_.settings.password.empty()) {
      failure += printable_error(error);
      co_return std::nullopt;
    }
  }
  co_return std::nullopt;
}

awaitable<bool> RedisConnecting::Attempt::ask_cluster(Endpoint node, std::string& failure) {
  std::string unopened = co_await open(node);
  failure = "its node " + config::format_endpoint(node) + ": " + unopened;
  if (!unopened.empty()) co_return false;
  if (!place_.settings.password.empty()) {
    Pipeline authentication;
    add_authentication(authentication, place_.settings);
    const bool answered = co_await ask(authentication);
    const bool refused = answered && authentication.reply(0).kind == Reply::Kind::error;
    if (refused) failure += printable_error(authentication.text(authentication.reply(0)));
    if (refused) co_return false;
  }
  Pipeline question;
  question.add({"CLUSTER", "SLOTS"});
  const bool answered = co_await ask(question);
  if (answered && question.reply(0).kind == Reply::Kind::error) {
    failure += printable_error(question.text(question.reply(0)));
    co_return false;
  }
  std::optional<ClusterSlots> slots = read_cluster_slots(question, node);
  if (!slots) {
    failure += is_late() ? "no answer in time" : "it does not answer as a node of a cluster does";
    co_return false;
  }
  place_.topology->learn(std::move(*slots), SteadyClock::now());
  co_return true;
}

/// Nothing but the reply may come: this is asked once on a connection of its own.
awaitable<bool> RedisConnecting::Attempt::ask(Pipeline& pipeline) {
  const std::shared_ptr<RedisStream> stream = stream_;
  const std::string_view request = pipeline.request();
  // So few bytes always have room on a connection that has just been made.
  error_code error;
  const std::size_t written = stream->write_some(request, error);
  if (error || written != request.size()) co_return false;
  ReplyReader reader(of_topologies);
  std::size_t size = 0;
  while (!pipeline.is_answered()) {
    const std::shared_ptr<char[]> chunk = std::make_shared_for_overwrite<char[]>(chunk_size);
    const RedisStream::Read read = co_await stream->read_some({chunk.get(), chunk_size});
    size += read.size;
    if (read.error || size > answer_limit) co_return false;
    Received received{{chunk.get(), read.size}, chunk};
    while (!received.bytes.empty() && !pipeline.is_answered())
      if (reader.read(received, pipeline) == ReplyReader::Result::refused) co_return false;
  }
  co_return true;
}

awaitable<std::vector<RedisStream::Address>> RedisConnecting::Attempt::look_up(
    Endpoint endpoint, std::string& failure) {
  std::vector<RedisStream::Address> addresses;
  if (endpoint.is_unix()) {
    addresses.emplace_back(asio::local::stream_protocol::endpoint(endpoint.path));
    co_return addresses;
  }
  error_code error;
  const asio::ip::address literal = asio::ip::make_address(endpoint.host, error);
  if (!error) {
    addresses.emplace_back(Tcp::endpoint(literal, endpoint.port));
    co_return addresses;
  }
  const Resolver::results_type found = co_await resolver_.async_resolve(
      endpoint.host, std::to_string(endpoint.port), asio::redirect_error(use_awaitable, error));
  if (error) failure = error.message();
  for (const auto& entry : found) addresses.emplace_back(entry.endpoint());
  co_return addresses;
}

/// What failed in words; empty: `stream_` is connected, and encrypted if it is to be.
awaitable<std::string> RedisConnecting::Attempt::open(Endpoint endpoint) {
  std::string failure;
  const std::vector<RedisStream::Address> addresses = co_await look_up(endpoint, failure);
  for (const RedisStream::Address& address : addresses) {
    // Given up while it waited, or out of time: no socket may be opened any more.
    if (is_late()) break;
    const auto stream = std::make_shared<RedisStream>(executor_);
    stream_ = stream;
    const error_code error = co_await stream->connect(address);
    failure = error ? error.message() : std::string();
    if (!error && place_.tls) {
      std::string untrusted = co_await stream->start_tls(place_.tls, endpoint.host);
      failure = std::move(untrusted);
    }
    if (failure.empty() && !is_late()) co_return failure;
    stream->close();
  }
  co_return is_late() || failure.empty() ? std::string(late) : failure;
}

RedisConnecting::RedisConnecting(const Executor& executor, RedisPlace place)
    : executor_(executor), place_(std::move(place)) {}

awaitable<RedisConnection> RedisConnecting::connect() {
  const auto attempt = std::make_shared<Attempt>(executor_, place_);
  attempt_ = attempt;
  return Attempt::run(attempt);
}

void RedisConnecting::cancel() {
  if (const std::shared_ptr<Attempt> attempt = attempt_.lock()) attempt->cancel();
}

}  // namespace larder::store
