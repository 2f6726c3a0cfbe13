#include "store/pipeline.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <iterator>
#include <memory>

namespace larder::store {

namespace {

constexpr std::size_t most_digits = 20;

/// The first word of an error that says: not here, or not now.
bool is_misplaced_error(std::string_view error) {
  constexpr std::string_view words[] = {"MOVED",   "ASK",      "TRYAGAIN",  "CLUSTERDOWN",
                                        "LOADING", "READONLY", "MASTERDOWN"};
  const std::string_view word = error.substr(0, error.find(' '));
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

}  // namespace

// Commands ----------------------------------------------------------------------------------------

void Pipeline::begin_command() {
  if (request_.empty()) request_.reserve(512);
  command_ = request_.size();
  words_ = 0;
  ++commands_;
  request_.append("*0\r\n");
}

void Pipeline::add_word(std::string_view prefix, std::string_view rest) {
  char size[1 + most_digits + 2] = {'$'};
  char* end = std::to_chars(size + 1, std::end(size) - 2, prefix.size() + rest.size()).ptr;
  *end++ = '\r';
  *end++ = '\n';
  request_.append(size, end).append(prefix).append(rest).append("\r\n", 2);
  if (++words_ < 10) {
    request_[command_ + 1] = static_cast<char>('0' + words_);
    return;
  }
  char count[most_digits];
  const char* const count_end = std::to_chars(count, std::end(count), words_).ptr;
  const std::size_t present = request_.find('\r', command_) - (command_ + 1);
  request_.replace(command_ + 1, present, count, static_cast<std::size_t>(count_end - count));
}

void Pipeline::add(std::initializer_list<std::string_view> words) {
  begin_command();
  for (const std::string_view word : words) add_word(word, {});
}

Command::Command(Pipeline& pipeline, std::initializer_list<std::string_view> words)
    : pipeline_(pipeline), number_(pipeline.commands() + 1) {
  pipeline.add(words);
}

void Command::add_joined(std::string_view prefix, std::string_view word) {
  assert(pipeline_.commands() == number_);
  pipeline_.add_word(prefix, word);
}

// Replies -----------------------------------------------------------------------------------------

std::string_view Pipeline::text(const Reply& reply) const {
  const auto size = static_cast<std::size_t>(reply.number);
  if (size >= long_text) return long_texts_[reply.place].view();
  return std::string_view(short_texts_).substr(reply.place, size);
}

policy::SharedBytes Pipeline::bytes(const Reply& reply) const {
  if (static_cast<std::size_t>(reply.number) >= long_text) return long_texts_[reply.place];
  return policy::SharedBytes::copy_of(text(reply));
}

void Pipeline::adopt(const Pipeline& reply) {
  tops_.push_back(static_cast<std::uint32_t>(replies_.size()));
  for (Reply part : reply.replies_) {
    const bool is_long = static_cast<std::size_t>(part.number) >= long_text;
    part.place += static_cast<std::uint32_t>(is_long ? long_texts_.size() : short_texts_.size());
    replies_.push_back(part);
  }
  short_texts_ += reply.short_texts_;
  long_texts_.insert(long_texts_.end(), reply.long_texts_.begin(), reply.long_texts_.end());
  if (misplaced_.empty()) misplaced_ = reply.misplaced_;
  end_reply();
}

void Pipeline::append(bool is_top, Reply::Kind kind, std::int64_t number) {
  if (is_top) tops_.push_back(static_cast<std::uint32_t>(replies_.size()));
  replies_.push_back({number, 0, kind});
}

void Pipeline::begin_text(bool is_top, Reply::Kind kind, std::size_t size) {
  append(is_top, kind, static_cast<std::int64_t>(size));
  if (size >= long_text) {
    replies_.back().place = static_cast<std::uint32_t>(long_texts_.size());
    // Not touched, and so no memory, before the bytes are there.
    std::shared_ptr<char[]> bytes = std::make_shared_for_overwrite<char[]>(size);
    long_rest_ = bytes.get();
    long_texts_.push_back({std::move(bytes), size});
    return;
  }
  replies_.back().place = static_cast<std::uint32_t>(short_texts_.size());
  // Stamps, or a head record with a short content and stamps behind it.
  if (short_texts_.empty()) short_texts_.reserve(size <= 64 ? 192 : long_text + 512);
}

void Pipeline::append_text(std::string_view piece) {
  if (static_cast<std::size_t>(replies_.back().number) < long_text) {
    short_texts_.append(piece);
    return;
  }
  std::memcpy(long_rest_, piece.data(), piece.size());
  long_rest_ += piece.size();
}

void Pipeline::note_error() {
  if (misplaced_.empty() && is_misplaced_error(text(replies_.back())))
    misplaced_ = text(replies_.back());
}

}  // namespace larder::store
