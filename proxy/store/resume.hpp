// Resume: somebody who waits, as a value. Called once, it lets them go on, with what they wait for.
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

template <class... Results>
class ResumeWith {
 public:
  template <class Handler>
  explicit ResumeWith(Handler handler) : actions_(&actions_of<Handler>) {
    static_assert(sizeof(Handler) <= sizeof(Room));
    static_assert(alignof(Handler) <= alignof(void*));
    new (room_.data()) Handler(std::move(handler));
  }
  ResumeWith(ResumeWith&& other) noexcept { take(other); }
  ResumeWith& operator=(ResumeWith&& other) noexcept {
    if (this == &other) return *this;
    drop();
    take(other);
    return *this;
  }
  ResumeWith(const ResumeWith&) = delete;
  ResumeWith& operator=(const ResumeWith&) = delete;
  ~ResumeWith() { drop(); }

  void operator()(Results... results) && { actions_->call(room_.data(), std::move(results)...); }

 private:
  using Room = std::array<std::byte, 2 * sizeof(void*)>;
  struct Actions {
    void (*call)(std::byte* handler, Results... results);
    void (*move)(std::byte* from, std::byte* to);  ///< leaves nothing at `from`
    void (*drop)(std::byte* handler);
  };
  template <class Handler>
  static Handler& at(std::byte* room) {
    return *std::launder(reinterpret_cast<Handler*>(room));
  }
  template <class Handler>
  static constexpr Actions actions_of{[](std::byte* handler, Results... results) {
                                        std::move(at<Handler>(handler))(std::move(results)...);
                                      },
                                      [](std::byte* from, std::byte* to) {
                                        new (to) Handler(std::move(at<Handler>(from)));
                                        at<Handler>(from).~Handler();
                                      },
                                      [](std::byte* handler) { at<Handler>(handler).~Handler(); }};

  void take(ResumeWith& other) {
    actions_ = std::exchange(other.actions_, nullptr);
    if (actions_) actions_->move(other.room_.data(), room_.data());
  }
  void drop() {
    if (actions_) actions_->drop(room_.data());
  }

  const Actions* actions_ = nullptr;  ///< null: it has been moved from
  alignas(void*) Room room_;
};

using Resume = ResumeWith<>;

}  // namespace larder::store
