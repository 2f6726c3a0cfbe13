// Pipeline: commands that go to Redis together, and the replies they were given. No I/O.
//
// hiredis formats commands and parses replies, and only this unit includes it (0.14 and 1.x). A
// pipeline Lives on the frame of the coroutine that awaits it; RedisClient::exchange sends it and
// fills in the replies. Short texts share one buffer; long ones (a head record, a content) get
// their own bytes, which a stored response can keep without copying them again.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/container/small_vector.hpp>

#include "policy/stored_response.hpp"
#include "store/reply_guard.hpp"

struct redisReader;
struct redisReadTask;

namespace larder::store {

/// The words of one command. Those added by `add` are views: they must live until the command is in
/// its pipeline. Those added by `add_joined` are copied.
class Command {
 public:
  explicit Command(std::initializer_list<std::string_view> words);
  void add(std::string_view word);
  void add_joined(std::string_view prefix, std::string_view word);

  [[nodiscard]] std::size_t size() const { return words_.size(); }
  [[nodiscard]] std::string_view word(std::size_t i) const;

 private:
  struct Word {
    const char* text = nullptr;  ///< none: in `joined_`
    std::size_t offset = 0;
    std::size_t size = 0;
  };
  boost::container::small_vector<Word, 24> words_;
  std::string joined_;
};

struct Reply {
  enum class Kind : std::uint8_t { nil, text, status, error, integer, array };
  Kind kind = Kind::nil;
  std::int64_t number = 0;    ///< integer; of a text: its size; of an array: its elements
  std::size_t offset = 0;     ///< of a short text
  policy::SharedBytes bytes;  ///< of a long text
};

class Pipeline {
 public:
  void add(const Command& command);
  void add(std::initializer_list<std::string_view> words) { add(Command(words)); }
  [[nodiscard]] std::size_t commands() const { return commands_; }

  /// The commands as they are sent; empty once taken.
  [[nodiscard]] std::size_t request_size() const { return request_.size(); }
  [[nodiscard]] std::string take_request() { return std::exchange(request_, {}); }

  /// Has every command been answered? Otherwise there are no replies: not sent, overdue, cut off,
  /// or misplaced.
  [[nodiscard]] bool is_answered() const { return answered_; }
  /// What Redis said to a command that it cannot carry out where or as it is now: MOVED, READONLY,
  /// LOADING and the like. Empty: nothing of that kind.
  [[nodiscard]] const std::string& misplaced() const { return misplaced_; }
  /// To the command added as number `i`.
  [[nodiscard]] const Reply& reply(std::size_t i) const { return replies_[tops_[i]]; }
  /// Of that command's reply, when it is an array.
  [[nodiscard]] const Reply& element(std::size_t i, std::size_t j) const {
    return replies_[tops_[i] + 1 + j];
  }
  /// How many replies there are within that command's, all levels together: element() gives them as
  /// they came.
  [[nodiscard]] std::size_t pieces(std::size_t i) const {
    return (i + 1 < tops_.size() ? tops_[i + 1] : replies_.size()) - tops_[i] - 1;
  }
  /// Of a text, status or error.
  [[nodiscard]] std::string_view text(const Reply& reply) const;
  /// The same as bytes to keep; copied only when short.
  [[nodiscard]] policy::SharedBytes bytes(const Reply& reply) const;

  /// Takes the reply to the next command, which was read into a pipeline without commands.
  void adopt(const Pipeline& reply);

 private:
  friend class ReplyReader;

  static constexpr std::size_t long_text = 256;
  void append(bool is_top, Reply::Kind kind, std::int64_t number);
  void append_text(bool is_top, Reply::Kind kind, std::string_view text);

  std::string request_;
  std::size_t commands_ = 0;
  bool answered_ = false;
  std::string misplaced_;
  boost::container::small_vector<std::size_t, 8> tops_;  ///< where each command's reply begins
  boost::container::small_vector<Reply, 16> replies_;
  std::string short_texts_;
};

/// Reads the replies of one connection. What is no reply, or none that Redis would send, ends it.
class ReplyReader {
 public:
  enum class Result : std::uint8_t { complete, incomplete, refused };

  explicit ReplyReader(ReplyLimits limits);

  /// Bytes as they come. False: nothing may be read any more.
  [[nodiscard]] bool feed(std::string_view bytes);
  [[nodiscard]] bool has_bytes() const;
  /// Reads on in the reply to `pipeline`'s next command. `complete`: the reply is whole.
  [[nodiscard]] Result read(Pipeline& pipeline);

 private:
  struct Collect;
  struct Free {
    void operator()(redisReader* reader) const;
  };

  ReplyGuard guard_;
  std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace larder::store
