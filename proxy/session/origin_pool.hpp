// Origin pool: one thread's connections to the upstream application.
//
// An idle connection is dropped before gunicorn's keep-alive (2 s) would drop it, and looked at
// once more before it is used again.
#pragma once

#include <variant>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "config/config.hpp"
#include "session/deadlines.hpp"
#include "session/origin_connection.hpp"

namespace larder::session {

class OriginPool {
 public:
  OriginPool(asio::io_context& io, Deadlines& deadlines, const config::Settings& settings);
  OriginPool(const OriginPool&) = delete;
  OriginPool& operator=(const OriginPool&) = delete;

  using Acquired = std::variant<OriginConnectionPointer, FetchFailure>;
  /// `fresh`: not one that was used before.
  [[nodiscard]] awaitable<Acquired> acquire(bool fresh);
  /// Takes back a connection whose answer has been read to its end without surplus.
  void release(OriginConnectionPointer connection);
  void close_idle();

  [[nodiscard]] const config::Settings& settings() const { return settings_; }

 private:
  using Tcp = asio::ip::tcp;
  using Endpoints = std::vector<Tcp::endpoint>;

  class Sweep final : public Deadline {
   public:
    explicit Sweep(OriginPool& pool) : pool_(pool) {}

   private:
    void on_expiry() override { pool_.sweep(); }
    OriginPool& pool_;
  };

  [[nodiscard]] awaitable<Acquired> connect();
  [[nodiscard]] awaitable<FetchFailure> resolve();
  void sweep();

  asio::io_context& io_;
  Deadlines& deadlines_;
  const config::Settings& settings_;
  Endpoints endpoints_;
  SteadyClock::time_point resolved_at_{};
  std::vector<OriginConnectionPointer> idle_;
  Sweep sweep_{*this};
};

}  // namespace larder::session
