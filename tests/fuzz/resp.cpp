// RESP: whatever Redis sends is read as the replies it is, or ends the connection; it does not
// matter how the bytes were cut, and nothing is believed of lengths before the bytes are there. The
// replies are held against a parser that knows nothing but RESP2 and our bounds, and what that
// takes against hiredis.
#include <charconv>
#include <memory>
#include <optional>

#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include "oracle.hpp"
#include "store/pipeline.hpp"
#include "store/reply_reader.hpp"

namespace {

using namespace larder;
using fuzz::require;
using store::Pipeline;
using store::Reply;
using store::ReplyReader;

/// All replies as one text; ends with "!" where the connection ended, with "?" where a reply is not
/// whole.
class Plain {
 public:
  Plain(std::string_view bytes, store::ReplyLimits limits) : rest_(bytes), limits_(limits) {
    while (!rest_.empty() && !ended_) {
      const std::size_t before = text_.size();
      elements_ = payloads_ = 0;
      if (!take(0)) {
        text_.resize(before);
        text_ += ended_ ? "!" : "?";
        return;
      }
      text_ += '\n';
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  bool refuse() {
    ended_ = true;
    return false;
  }

  std::optional<std::int64_t> number(std::string_view digits) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    // "-0" and "007" are what nobody writes.
    if (error != std::errc{} || end != digits.data() + digits.size() ||
        std::to_string(value) != digits)
      return {};
    return value;
  }

  /// False: refused, or more is needed.
  bool take(std::size_t depth) {
    if (rest_.empty()) return false;
    const char type = rest_.front();
    if (std::string_view("+-:$*").find(type) == std::string_view::npos) return refuse();
    const std::size_t end = rest_.find('\n');
    if (std::min(end, rest_.size()) - 1 > ReplyReader::line_limit) return refuse();
    if (end == std::string_view::npos) return false;
    std::string_view line = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (line.empty() || line.back() != '\r') return refuse();
    line.remove_suffix(1);
    if (type == '+' || type == '-') {
      if (line.find('\r') != std::string_view::npos) return refuse();
      text_ += type;
      text_ += line;
      return true;
    }
    const std::optional<std::int64_t> value = number(line);
    if (!value) return refuse();
    if (type == ':') {
      text_ += ":" + std::to_string(*value);
      return true;
    }
    if (*value < -1) return refuse();
    if (*value == -1) {
      text_ += "nil";
      return true;
    }
    if (type == '*') {
      if (*value > limits_.elements - elements_ || (*value > 0 && depth == limits_.depth))
        return refuse();
      elements_ += *value;
      text_ += "*" + std::to_string(*value);
      for (std::int64_t i = 0; i < *value; ++i)
        if (!take(depth + 1)) return false;
      return true;
    }
    if (*value > ReplyReader::bulk_limit - payloads_) return refuse();
    payloads_ += *value;
    const auto size = static_cast<std::size_t>(*value);
    if (rest_.size() > size && rest_[size] != '\r') return refuse();
    if (rest_.size() > size + 1 && rest_[size + 1] != '\n') return refuse();
    if (rest_.size() < size + 2) return false;
    text_ += "$";
    text_ += rest_.substr(0, size);
    rest_.remove_prefix(size + 2);
    return true;
  }

  std::string_view rest_;
  const store::ReplyLimits limits_;
  std::int64_t elements_ = 0;  ///< of this reply, as for ReplyReader
  std::int64_t payloads_ = 0;
  std::string text_;
  bool ended_ = false;
};

void append(const Pipeline& pipeline, const Reply& reply, std::string& text) {
  switch (reply.kind) {
    case Reply::Kind::nil:
      text += "nil";
      return;
    case Reply::Kind::integer:
      text += ":" + std::to_string(reply.number);
      return;
    case Reply::Kind::array:
      text += "*" + std::to_string(reply.number);
      return;
    case Reply::Kind::text:
      text += "$";
      break;
    case Reply::Kind::status:
      text += "+";
      break;
    case Reply::Kind::error:
      text += "-";
      break;
  }
  text += pipeline.text(reply);
}

/// A reply and all that it consists of.
void append_all(const Pipeline& pipeline, std::string& text) {
  std::int64_t left = 1;
  for (std::size_t i = 0; left > 0; ++i, --left) {
    const Reply& reply = i == 0 ? pipeline.reply(0) : pipeline.element(0, i - 1);
    append(pipeline, reply, text);
    if (reply.kind == Reply::Kind::array) left += reply.number;
  }
}

/// As ReplyReader has them, when the bytes arrive up to each cut.
std::string read(std::string_view bytes, std::vector<std::size_t> cuts, store::ReplyLimits limits) {
  ReplyReader reader(limits);
  std::string text;
  Pipeline pipeline;
  pipeline.add({"PING"});
  bool is_partial = false;
  std::size_t from = 0;
  cuts.push_back(bytes.size());
  for (const std::size_t cut : cuts) {
    // Gone with the last pipeline that has texts in it.
    const auto part = std::make_shared<fuzz::Exact>(bytes.substr(from, cut - from));
    from = cut;
    store::Received rest{part->view(), {part, part->view().data()}};
    while (!rest.bytes.empty()) {
      const ReplyReader::Result result = reader.read(rest, pipeline);
      if (result == ReplyReader::Result::refused) return text + "!";
      is_partial = result == ReplyReader::Result::incomplete;
      if (is_partial) break;
      require(pipeline.is_answered(), "one reply answers one command");
      append_all(pipeline, text);
      text += '\n';
      pipeline = Pipeline();
      pipeline.add({"PING"});
    }
  }
  return is_partial ? text + "?" : text;
}

void append(const redisReply& reply, std::string& text) {
  switch (reply.type) {
    case REDIS_REPLY_NIL:
      text += "nil";
      return;
    case REDIS_REPLY_INTEGER:
      text += ":" + std::to_string(reply.integer);
      return;
    case REDIS_REPLY_ARRAY:
      text += "*" + std::to_string(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i) append(*reply.element[i], text);
      return;
    case REDIS_REPLY_STATUS:
      text += "+";
      break;
    case REDIS_REPLY_ERROR:
      text += "-";
      break;
    default:
      text += "$";
  }
  text.append(reply.str, static_cast<std::size_t>(reply.len));
}

/// As hiredis has them.
std::string read_by_hiredis(std::string_view bytes) {
  const std::unique_ptr<redisReader, void (*)(redisReader*)> reader(redisReaderCreate(),
                                                                    redisReaderFree);
  require(redisReaderFeed(reader.get(), bytes.data(), bytes.size()) == REDIS_OK, "room");
  std::string text;
  while (reader->pos < reader->len) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader.get(), &reply) != REDIS_OK) return text + "!";
    if (reply == nullptr) return text + "?";
    append(*static_cast<redisReply*>(reply), text);
    freeReplyObject(reply);
    text += '\n';
  }
  return text;
}

void check(std::string_view input, store::ReplyLimits limits) {
  const std::string expected = Plain(input, limits).text();
  require(read(input, {}, limits) == expected, "the replies are those that were sent");
  require(read(input, fuzz::cuts_of(input), limits) == expected,
          "nor does it matter how they are cut");
  if (!expected.ends_with('!'))
    require(read_by_hiredis(input) == expected, "hiredis reads the same in what is not refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(input, store::of_replies);
  check(input, store::of_messages);
  return 0;
}
