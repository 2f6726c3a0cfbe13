// Redis client: one pipelined connection of one worker, and the states it goes through.
//
// The deadlines of commands and the order of replies; how it connects: store/redis_connecting; what
// commands and replies look like: store/pipeline. Commands of one loop turn are sent by one write.
// A command that is not answered in time costs the connection, so that a late reply never answers a
// later command; so does an answer that sends it elsewhere (MOVED, READONLY), which is found anew.
// While there is no connection every exchange fails at once. All calls on the worker's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>

#include "store/io.hpp"
#include "store/pipeline.hpp"
#include "store/redis_connecting.hpp"
#include "store/resume.hpp"
#include "store/state_log.hpp"

namespace larder::store {

/// How the log speaks of a connection.
struct RedisWording {
  std::string_view subject = "redis";
  std::string_view ready = "is in use";  ///< empty: not said
  std::string_view lost = "is not usable";
  std::string_view consequence = "Nothing is cached until it is back";
};

class RedisClient {
 public:
  static constexpr std::size_t command_limit = 4'096;               ///< waiting for a reply
  static constexpr std::size_t byte_limit = std::size_t{32} << 20;  ///< waiting to be sent

  struct Events {
    /// What is to be settled on a new connection before anyone else may use it. False gives it up.
    std::function<awaitable<bool>()> prepare;
    /// The connection is gone.
    std::function<void()> lost{};
    /// What a connection that subscribed is told of. False: it makes no sense, and the connection
    /// is given up. None: nothing may be told that is no reply.
    std::function<bool(const Pipeline& message)> hear{};
  };
  /// `log` outlives the client.
  RedisClient(asio::io_context& context, RedisPlace place, StateLog& log,
              RedisWording wording = {});
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;
  ~RedisClient();

  /// Connects, and connects again whenever the connection is lost, until close().
  void start(Events events);
  [[nodiscard]] bool is_ready() const;
  /// Which run of Redis this is: another one after each start. Empty when Redis does not tell.
  [[nodiscard]] const std::string& run_id() const;
  /// A hash of it; zero when it is not known.
  [[nodiscard]] std::uint64_t run() const;
  /// A hash of the history of its data; zero when it is not known. See RedisFacts.
  [[nodiscard]] std::uint32_t history() const;

  /// To be awaited at once: sends the pipeline and waits for its replies, for as long as a command
  /// may take. Afterwards `is_answered()` tells the outcome. To be used before is_ready() by
  /// `prepare` alone.
  [[nodiscard]] auto exchange(Pipeline& pipeline) {
    return asio::async_initiate<const asio::deferred_t, void()>(
        [this, &pipeline](auto handler) { send(pipeline, Resume(std::move(handler))); },
        asio::deferred);
  }
  /// As exchange(), which `resume` then waits for; it owns the pipeline.
  void send(Pipeline& pipeline, Resume resume);
  /// Gives the connection up: what it says cannot be relied upon.
  void distrust(std::string_view reason);
  /// Logs, now and then, that Redis refuses what the caller can do without.
  void note_refusal(std::string_view error);
  /// What waits fails, and so does all that comes.
  void close();

 private:
  class Link;

  std::shared_ptr<Link> link_;
};

}  // namespace larder::store
