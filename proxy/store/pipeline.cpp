#include "store/pipeline.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <iterator>
#include <memory>

namespace larder::store {

namespace {

constexpr std::size_t most_digits = 20;

std::size_t digits_of(std::size_t number) {
  std::size_t digits = number < 10 ? 1 : 2;
  for (; number >= 100; number /= 10) ++digits;
  return digits;
}

/// The first word of an error that says: not here, or not now.
bool is_misplaced_error(std::string_view error) {
  constexpr std::string_view words[] = {"MOVED",   "ASK",      "TRYAGAIN",  "CLUSTERDOWN",
                                        "LOADING", "READONLY", "MASTERDOWN"};
  const std::string_view word = error.substr(0, error.find(' '));
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

}  // namespace

void Pipeline::clear() {
  request_.clear();
  commands_ = 0;
  answered_ = false;
  misplaced_.clear();
  tops_.clear();
  replies_.clear();
  blocks_.clear();
}

// Commands ----------------------------------------------------------------------------------------

void Pipeline::begin_command() {
  constexpr std::string_view begin = "*0\r\n";
  if (request_.empty()) request_.reserve(512);
  command_ = request_.size();
  words_ = 0;
  ++commands_;
  request_.insert(request_.end(), begin.begin(), begin.end());
}

void Pipeline::add_word(std::string_view prefix, std::string_view rest) {
  std::size_t size = prefix.size() + rest.size();
  const std::size_t digits = digits_of(size);
  const std::size_t begin = request_.size();
  request_.resize(begin + 1 + digits + 2 + size + 2, boost::container::default_init);
  char* end = request_.data() + begin;
  *end++ = '$';
  end += digits;
  char* digit = end;
  for (; size >= 10; size /= 10) *--digit = static_cast<char>('0' + size % 10);
  *--digit = static_cast<char>('0' + size);
  *end++ = '\r';
  *end++ = '\n';
  end = std::copy(prefix.begin(), prefix.end(), end);
  end = std::copy(rest.begin(), rest.end(), end);
  *end++ = '\r';
  *end++ = '\n';
  if (++words_ < 10)
    request_[command_ + 1] = static_cast<char>('0' + words_);
  else
    count_words();
}

/// How many words the command has is said where it begins.
void Pipeline::count_words() {
  char* const count = request_.data() + command_ + 1;
  char digits[most_digits];
  const char* const end = std::to_chars(digits, std::end(digits), words_).ptr;
  const auto present = std::find(count, request_.data() + request_.size(), '\r') - count;
  if (end - digits > present)
    request_.insert(request_.begin() + static_cast<std::ptrdiff_t>(command_) + 1, '0');
  std::copy(static_cast<const char*>(digits), end, request_.data() + command_ + 1);
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

policy::SharedBytes Pipeline::bytes(const Reply& reply) const {
  if (reply.is_alone) return {blocks_[reply.block], text(reply).size()};
  return policy::SharedBytes::copy_of(text(reply));
}

void Pipeline::adopt(const Pipeline& reply) {
  tops_.push_back(static_cast<std::uint32_t>(replies_.size()));
  for (Reply part : reply.replies_) {
    part.block += static_cast<std::uint32_t>(blocks_.size());
    replies_.push_back(part);
  }
  blocks_.insert(blocks_.end(), reply.blocks_.begin(), reply.blocks_.end());
  if (misplaced_.empty()) misplaced_ = reply.misplaced_;
  end_reply();
}

void Pipeline::begin_text(bool is_top, std::size_t size) {
  // Not touched, and so no memory, before the bytes are there.
  const std::shared_ptr<char[]> bytes = std::make_shared_for_overwrite<char[]>(size);
  text_rest_ = bytes.get();
  append_text(is_top, Reply::Kind::text, {bytes.get(), size}, bytes);
  replies_.back().is_alone = true;
}

void Pipeline::note_error() {
  if (misplaced_.empty() && is_misplaced_error(text(replies_.back())))
    misplaced_ = text(replies_.back());
}

}  // namespace larder::store
