// Origin pool: one thread's connections to the backends of the upstream application.
//
// An idle connection is dropped before gunicorn's keep-alive (2 s) would drop it, and when its
// backend's name leads elsewhere; whether it is still good shows when it is used again
// (Stream::ask). A backend that cannot be connected to is passed over: nothing was sent, so any
// request may go to the next one.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/config.hpp"
#include "session/admission.hpp"
#include "session/backends.hpp"
#include "session/connecting.hpp"
#include "session/deadlines.hpp"
#include "session/origin_connection.hpp"

namespace larder::session {

class OriginPool {
 public:
  /// All of these outlive the pool. `resolve`: of names; empty: the system's.
  OriginPool(asio::io_context& io, Deadlines& deadlines, const config::Settings& settings,
             Backends& backends, Admission& admission, Resolve resolve = {});
  OriginPool(const OriginPool&) = delete;
  OriginPool& operator=(const OriginPool&) = delete;

  using Acquired = std::variant<OriginConnectionPointer, FetchFailure>;
  /// An idle connection to whoever's turn it is. Null: there is none; `turn` is for acquire() then.
  [[nodiscard]] OriginConnectionPointer acquire_now(Backends::Chosen& turn,
                                                    SteadyClock::time_point now);
  /// `fresh`: not one that was used before.
  [[nodiscard]] awaitable<Acquired> acquire(bool fresh,
                                            std::optional<Backends::Chosen> turn = std::nullopt);
  /// A new connection to one backend, for whatever use. `why` it failed, in words for the log.
  [[nodiscard]] awaitable<Acquired> connect(std::size_t backend, milliseconds timeout,
                                            std::string& why);
  /// Takes back a connection whose answer has been read to its end without surplus.
  void release(OriginConnectionPointer connection);
  void close_idle();

  [[nodiscard]] const config::Settings& settings() const { return settings_; }
  [[nodiscard]] Backends& backends() { return backends_; }
  [[nodiscard]] std::optional<Place> admit_now() { return admission_.admit_now(); }
  [[nodiscard]] awaitable<Admission::Admitted> admit(Admission::HasLeft has_left);

 private:
  /// What a backend's name leads to, as this thread has last heard.
  struct Named {
    Addresses addresses;
    SteadyClock::time_point asked_at{};
    bool is_literal = false;
    bool is_asking = false;
  };
  class Sweep final : public Deadline {
   public:
    explicit Sweep(OriginPool& pool) : pool_(pool) {}

   private:
    void on_expiry() override { pool_.sweep(); }
    OriginPool& pool_;
  };

  [[nodiscard]] OriginConnectionPointer take_idle(std::size_t backend, SteadyClock::time_point now);
  /// Asks for the name again; what was known stays when there is no answer.
  [[nodiscard]] awaitable<FetchFailure> look_up(std::size_t backend, milliseconds timeout);
  [[nodiscard]] bool is_due(const Named& named, SteadyClock::time_point now) const;
  [[nodiscard]] awaitable<Acquired> encrypt(OriginConnectionPointer connection,
                                            milliseconds timeout, std::string& why);
  void sweep();

  asio::io_context& io_;
  Deadlines& deadlines_;
  const config::Settings& settings_;
  Backends& backends_;
  Admission& admission_;
  Resolve resolve_;
  std::vector<Named> named_;  ///< by backend
  std::vector<OriginConnectionPointer> idle_;
  Sweep sweep_{*this};
};

}  // namespace larder::session
