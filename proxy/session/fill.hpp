// Fill: one request to the origin on behalf of the store, and all who wait for its answer.
//
// Written by one coroutine on one thread, read by exchanges on any thread. An answer that may be
// stored is for everyone who joined and can be read while it arrives; one that may not goes to
// nobody but the exchange that started the fill, which takes over the origin's connection with it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/cache_status.hpp"
#include "policy/stored_response.hpp"
#include "session/origin.hpp"
#include "store/io.hpp"
#include "store/store.hpp"

namespace larder::session {

class Fill {
 public:
  enum class State : std::uint8_t {
    waiting,   ///< nothing decided yet
    arriving,  ///< will be stored; its content can be read as it comes
    whole,     ///< all of it is here, and on its way into the store if it may be there
    complete,  ///< and that has ended
    refused,   ///< not storable, or too large in the end: for its leader alone
    failed,    ///< no answer, or cut off
  };
  struct Snapshot {
    State state = State::waiting;
    std::uint64_t version = 0;               ///< grows with each change
    policy::StoredResponsePointer response;  ///< while arriving: without content; then: with it
    std::optional<std::size_t> length;       ///< of the content; nothing while it is not known
    std::size_t available = 0;               ///< bytes of the content that can be read
    /// Age to be told: the one that the origin sent, or that of what was stored meanwhile; nothing:
    /// the origin made the answer now.
    std::optional<policy::seconds> origin_age;
    policy::Detail detail = policy::Detail::none;
    FetchFailure failure = FetchFailure::none;
    std::uint16_t origin_status = 0;  ///< once the origin has answered; 304: what was stored holds
    SteadyClock::duration origin_time{0};  ///< as FillRecord::origin_time

    bool has_readers = false;  ///< a refresh has none
    bool is_put = false;       ///< into the store, which by that hears of the fill's end as well

    /// May a reader have had all of it, while the store has not yet been heard?
    [[nodiscard]] bool is_ahead_of_store() const {
      const bool is_all_here =
          state == State::whole || (state == State::arriving && length && available == *length);
      return has_readers && is_all_here;
    }
  };

  /// `stamps` and `local`: of the resource's tags, read before the origin is asked.
  Fill(store::Stamps stamps, store::Stamps local, SteadyClock::time_point begun)
      : stamps_(std::move(stamps)), local_(std::move(local)), begun_(begun) {}
  Fill(const Fill&) = delete;
  Fill& operator=(const Fill&) = delete;

  [[nodiscard]] const store::Stamps& stamps() const { return stamps_; }
  [[nodiscard]] const store::Stamps& local() const { return local_; }
  [[nodiscard]] SteadyClock::time_point begun() const { return begun_; }

  // The filling coroutine's side.
  /// Before the origin is asked: why its answer will be in no store.
  void note_unstored(policy::Detail detail);
  void note_origin_age(policy::seconds age);
  void note_origin_status(std::uint16_t status);
  void note_origin_time(SteadyClock::duration time);
  /// Before the answer is told to anybody. `fresh_until`: as long as a request that comes later may
  /// have it as well; in the past where each one has to be validated.
  void note_answer(SteadyClock::time_point fresh_until);
  /// Without `length` only the leader may read before the end: the content may yet prove too large,
  /// and then nobody else may have begun with it.
  void arrive(policy::StoredResponsePointer head, std::optional<std::size_t> length);
  void append(std::string_view content);
  /// All that has been appended, in one piece.
  [[nodiscard]] policy::SharedBytes content() const;
  /// Readers are told all of it from now on; they do not wait for the store, where it is put next.
  void hold_whole(policy::StoredResponsePointer response);
  /// `unstored`: why it is in no store; none: it is.
  void complete(policy::StoredResponsePointer response, policy::Detail unstored);
  void refuse(policy::Detail detail, OriginAnswer answer);
  void fail(FetchFailure failure);

  // The readers' side.
  /// May a request that was sent at `asked` have this answer? One that was already under way when
  /// the answer came may (RFC 9111 4); a later one only as long as it is fresh: whoever has had an
  /// answer that must be validated each time gets it validated when asking again.
  [[nodiscard]] bool is_joinable(SteadyClock::time_point asked) const;
  /// Before it is read.
  void note_reader();
  [[nodiscard]] Snapshot snapshot() const;
  /// Content from `offset` on, as much of it as lies in one piece; empty when no more is there yet.
  /// Valid as long as the fill.
  [[nodiscard]] std::string_view piece(std::size_t offset) const;
  /// Waits until the version differs from `seen`; false when `timeout` came first. `timer` is the
  /// caller's own, of its own thread.
  [[nodiscard]] awaitable<bool> changed(std::uint64_t seen, std::shared_ptr<Timer> timer,
                                        milliseconds timeout);
  /// After `refused`, once, for the leader (on whose thread the fill ran).
  [[nodiscard]] std::optional<OriginAnswer> take_answer();

 private:
  void announce(std::unique_lock<std::mutex> lock);

  const store::Stamps stamps_;
  const store::Stamps local_;
  const SteadyClock::time_point begun_;
  mutable std::mutex mutex_;
  Snapshot now_;
  SteadyClock::time_point joinable_until_ = SteadyClock::time_point::max();
  /// Content in order. Every piece but the last is full, so an offset leads to its piece.
  struct Piece {
    std::shared_ptr<char[]> data;
    std::size_t size = 0;
  };
  std::vector<Piece> pieces_;
  std::size_t piece_capacity_ = 0;
  std::optional<OriginAnswer> answer_;
  std::vector<std::shared_ptr<Timer>> waiting_;
};

}  // namespace larder::session
