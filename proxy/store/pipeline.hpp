// Pipeline: commands that go to Redis together, and the replies they were given. No I/O.
//
// Commands are written as RESP at once, into the bytes that are sent. Whoever awaits a pipeline
// owns it; RedisClient::exchange sends it and fills in the replies (store/reply_reader). Their
// texts stay where they were received, which the pipeline keeps; only what came in pieces has bytes
// of its own.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/container/small_vector.hpp>
#include <boost/container/vector.hpp>

#include "policy/stored_response.hpp"

namespace larder::store {

/// Grows without being filled with zeros first.
using RequestBytes = boost::container::vector<char>;

struct Reply {
  enum class Kind : std::uint8_t { nil, text, status, error, integer, array };
  std::int64_t number = 0;      ///< integer; of a text: its size; of an array: its elements
  const char* begin = nullptr;  ///< of a text
  std::uint32_t block = 0;      ///< of a text: which of its pipeline's blocks it lies in
  bool is_alone = false;        ///< of a text: nothing else lies in that block
  Kind kind = Kind::nil;
};

class Pipeline {
 public:
  /// A whole command.
  void add(std::initializer_list<std::string_view> words);
  [[nodiscard]] std::size_t commands() const { return commands_; }

  /// The commands as they are sent; empty once taken.
  [[nodiscard]] std::string_view request() const { return {request_.data(), request_.size()}; }
  [[nodiscard]] RequestBytes take_request() { return std::exchange(request_, {}); }
  /// As it was when it was made, but for room that stays.
  void clear();

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
  /// Of a text, status or error: for as long as the pipeline is there.
  [[nodiscard]] static std::string_view text(const Reply& reply) {
    return {reply.begin, static_cast<std::size_t>(reply.number)};
  }
  /// The same as bytes to keep; copied unless they came in pieces.
  [[nodiscard]] policy::SharedBytes bytes(const Reply& reply) const;

  /// Takes the reply to the next command, which was read into a pipeline without commands.
  void adopt(const Pipeline& reply);

 private:
  friend class Command;
  friend class ReplyReader;

  void begin_command();
  /// A word of the command last begun, in two parts.
  void add_word(std::string_view prefix, std::string_view rest);
  void count_words();

  void append(bool is_top, const Reply& reply) {
    if (is_top) tops_.push_back(static_cast<std::uint32_t>(replies_.size()));
    replies_.push_back(reply);
  }
  /// A text that lies in `owner`'s bytes.
  void append_text(bool is_top, Reply::Kind kind, std::string_view text,
                   const std::shared_ptr<const char[]>& owner) {
    if (blocks_.empty() || blocks_.back() != owner) blocks_.push_back(owner);
    append(is_top, {.number = static_cast<std::int64_t>(text.size()),
                    .begin = text.data(),
                    .block = static_cast<std::uint32_t>(blocks_.size() - 1),
                    .kind = kind});
  }
  /// A text that comes in pieces.
  void begin_text(bool is_top, std::size_t size);
  void append_piece(std::string_view piece) {
    std::memcpy(text_rest_, piece.data(), piece.size());
    text_rest_ += piece.size();
  }
  void note_error();
  void end_reply() { answered_ = tops_.size() == commands_; }

  RequestBytes request_;
  std::size_t command_ = 0;  ///< where the last one begins in `request_`
  std::size_t words_ = 0;    ///< of the last one
  std::size_t commands_ = 0;
  bool answered_ = false;
  std::string misplaced_;
  boost::container::small_vector<std::uint32_t, 8> tops_;  ///< where each command's reply begins
  boost::container::small_vector<Reply, 16> replies_;
  boost::container::small_vector<std::shared_ptr<const char[]>, 2> blocks_;  ///< with texts in them
  char* text_rest_ = nullptr;  ///< where the text goes on that is being read
};

/// A command that grows: the last one of its pipeline, for as long as words are added.
class Command {
 public:
  Command(Pipeline& pipeline, std::initializer_list<std::string_view> words);
  void add(std::string_view word) { add_joined(word, {}); }
  void add_joined(std::string_view prefix, std::string_view word);

 private:
  Pipeline& pipeline_;
  const std::size_t number_;
};

}  // namespace larder::store
