// Resume: somebody who waits, as a value. Called once, it lets them go on.
//
// What Asio hands to an operation that is awaited where it is begun (asio::deferred) has a type of
// Asio's own; here it has a name, so that those who wait can be queued. It owns them: dropped
// without being called, it ends them.
#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace larder::store {

class Resume {
 public:
  template <class Handler>
  explicit Resume(Handler handler) : actions_(&actions_of<Handler>) {
    static_assert(sizeof(Handler) <= sizeof(Room));
    static_assert(alignof(Handler) <= alignof(void*));
    new (room_.data()) Handler(std::move(handler));
  }
  Resume(Resume&& other) noexcept { take(other); }
  Resume& operator=(Resume&& other) noexcept {
    if (this == &other) return *this;
    drop();
    take(other);
    return *this;
  }
  Resume(const Resume&) = delete;
  Resume& operator=(const Resume&) = delete;
  ~Resume() { drop(); }

  void operator()() && { actions_->call(room_.data()); }

 private:
  using Room = std::array<std::byte, 2 * sizeof(void*)>;
  struct Actions {
    void (*call)(std::byte* handler);
    void (*move)(std::byte* from, std::byte* to);  ///< leaves nothing at `from`
    void (*drop)(std::byte* handler);
  };
  template <class Handler>
  static Handler& at(std::byte* room) {
    return *std::launder(reinterpret_cast<Handler*>(room));
  }
  template <class Handler>
  static constexpr Actions actions_of{[](std::byte* handler) { std::move(at<Handler>(handler))(); },
                                      [](std::byte* from, std::byte* to) {
                                        new (to) Handler(std::move(at<Handler>(from)));
                                        at<Handler>(from).~Handler();
                                      },
                                      [](std::byte* handler) { at<Handler>(handler).~Handler(); }};

  void take(Resume& other) {
    actions_ = std::exchange(other.actions_, nullptr);
    if (actions_) actions_->move(other.room_.data(), room_.data());
  }
  void drop() {
    if (actions_) actions_->drop(room_.data());
  }

  const Actions* actions_ = nullptr;  ///< null: it has been moved from
  alignas(void*) Room room_;
};

}  // namespace larder::store
