#include "store/pipeline.hpp"

#include <algorithm>
#include <iterator>
#include <new>

#include <hiredis/hiredis.h>
#include <hiredis/read.h>

namespace larder::store {

namespace {

/// The first word of an error that says: not here, or not now.
bool is_misplaced_error(std::string_view error) {
  constexpr std::string_view words[] = {"MOVED",   "ASK",      "TRYAGAIN",  "CLUSTERDOWN",
                                        "LOADING", "READONLY", "MASTERDOWN"};
  const std::string_view word = error.substr(0, error.find(' '));
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

}  // namespace

Command::Command(std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) add(word);
}

void Command::add(std::string_view word) {
  words_.push_back({word.data() == nullptr ? "" : word.data(), 0, word.size()});
}

void Command::add_joined(std::string_view prefix, std::string_view word) {
  if (joined_.empty()) joined_.reserve(256);
  words_.push_back({nullptr, joined_.size(), prefix.size() + word.size()});
  joined_.append(prefix).append(word);
}

std::string_view Command::word(std::size_t i) const {
  const Word& word = words_[i];
  if (word.text != nullptr) return {word.text, word.size};
  return std::string_view(joined_).substr(word.offset, word.size);
}

std::string_view Pipeline::text(const Reply& reply) const {
  if (reply.bytes.size != 0) return reply.bytes.view();
  return std::string_view(short_texts_)
      .substr(reply.offset, static_cast<std::size_t>(reply.number));
}

policy::SharedBytes Pipeline::bytes(const Reply& reply) const {
  return reply.bytes.size != 0 ? reply.bytes : policy::SharedBytes::copy_of(text(reply));
}

void Pipeline::add(const Command& command) {
  boost::container::small_vector<const char*, 24> words;
  boost::container::small_vector<std::size_t, 24> sizes;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const std::string_view word = command.word(i);
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* formatted = nullptr;
  const auto size = redisFormatCommandArgv(&formatted, static_cast<int>(words.size()), words.data(),
                                           sizes.data());
  if (size < 0) throw std::bad_alloc();
  const std::unique_ptr<char, void (*)(char*)> owner(formatted,
                                                     [](char* text) { redisFreeCommand(text); });
  if (request_.empty())
    request_.reserve(std::max<std::size_t>(512, static_cast<std::size_t>(size)));
  request_.append(formatted, static_cast<std::size_t>(size));
  ++commands_;
}

void Pipeline::adopt(const Pipeline& reply) {
  tops_.push_back(replies_.size());
  for (Reply part : reply.replies_) {
    part.offset += short_texts_.size();
    replies_.push_back(std::move(part));
  }
  short_texts_ += reply.short_texts_;
  if (misplaced_.empty()) misplaced_ = reply.misplaced_;
  answered_ = tops_.size() == commands_;
}

void Pipeline::append(bool is_top, Reply::Kind kind, std::int64_t number) {
  if (is_top) tops_.push_back(replies_.size());
  Reply& reply = replies_.emplace_back();
  reply.kind = kind;
  reply.number = number;
}

void Pipeline::append_text(bool is_top, Reply::Kind kind, std::string_view text) {
  if (kind == Reply::Kind::error && misplaced_.empty() && is_misplaced_error(text))
    misplaced_ = text;
  append(is_top, kind, static_cast<std::int64_t>(text.size()));
  Reply& reply = replies_.back();
  if (text.size() >= long_text) {
    reply.bytes = policy::SharedBytes::copy_of(text);
  } else {
    if (short_texts_.empty()) short_texts_.reserve(192);
    reply.offset = short_texts_.size();
    short_texts_.append(text);
  }
}

/// What hiredis' reader calls for each piece of a reply. It keeps what they return, and only cares
/// that it is not null.
struct ReplyReader::Collect {
  template <class Append>
  static void* into(const redisReadTask* task, Append append) {
    try {
      append(*static_cast<Pipeline*>(task->privdata), task->parent == nullptr);
    } catch (const std::bad_alloc&) {
      return nullptr;  // no exception passes through C; the reader reports it
    }
    return task->privdata;
  }
  static void* text(const redisReadTask* task, char* text, std::size_t size) {
    const Reply::Kind kind = task->type == REDIS_REPLY_ERROR    ? Reply::Kind::error
                             : task->type == REDIS_REPLY_STATUS ? Reply::Kind::status
                                                                : Reply::Kind::text;
    return into(task, [&](Pipeline& pipeline, bool is_top) {
      pipeline.append_text(is_top, kind, {text, size});
    });
  }
  template <class Size>  // int in hiredis 0.14, size_t in 1.x
  static void* array(const redisReadTask* task, Size size) {
    return into(task, [&](Pipeline& pipeline, bool is_top) {
      pipeline.append(is_top, Reply::Kind::array, static_cast<std::int64_t>(size));
    });
  }
  static void* integer(const redisReadTask* task, long long integer) {
    return into(task, [&](Pipeline& pipeline, bool is_top) {
      pipeline.append(is_top, Reply::Kind::integer, integer);
    });
  }
  static void* nil(const redisReadTask* task) {
    return into(task, [](Pipeline& pipeline, bool is_top) {
      pipeline.append(is_top, Reply::Kind::nil, 0);
    });
  }
  static redisReplyObjectFunctions* functions() {
    static redisReplyObjectFunctions all = [] {
      redisReplyObjectFunctions made{};
      made.createString = &Collect::text;
      made.createArray = &Collect::array;
      made.createInteger = &Collect::integer;
      made.createNil = &Collect::nil;
      return made;
    }();
    return &all;
  }
};

void ReplyReader::Free::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

ReplyReader::ReplyReader(ReplyLimits limits)
    : guard_(limits), reader_(redisReaderCreateWithFunctions(Collect::functions())) {
  if (!reader_) throw std::bad_alloc();
  reader_->maxbuf = 64 << 10;
}

bool ReplyReader::feed(std::string_view bytes) {
  return guard_.accept(bytes) &&
         redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK;
}

bool ReplyReader::has_bytes() const {
  return reader_->pos < reader_->len;
}

ReplyReader::Result ReplyReader::read(Pipeline& pipeline) {
  reader_->privdata = &pipeline;
  // An array that is not whole was begun for this pipeline, and its pieces go on going there.
  void* reply = nullptr;
  const int result = redisReaderGetReply(reader_.get(), &reply);
  reader_->privdata = nullptr;
  if (result != REDIS_OK) return Result::refused;
  if (reply == nullptr) return Result::incomplete;
  pipeline.answered_ = pipeline.tops_.size() == pipeline.commands_;
  return Result::complete;
}

}  // namespace larder::store
