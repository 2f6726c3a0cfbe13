#include "store/redis_client.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <new>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include "store/redis_backoff.hpp"
#include "store/redis_greeting.hpp"
#include "store/reply_reader.hpp"
#include "store/stamps.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

namespace {

constexpr std::size_t chunk_size = 64 << 10;
constexpr std::size_t small_request = 4 << 10;
constexpr std::size_t spare_buffer = 1 << 20;  ///< bytes kept for the next write

/// Does Redis tell this by itself, rather than in answer to a command?
bool is_message(const Pipeline& heard) {
  const Reply& top = heard.reply(0);
  return top.kind == Reply::Kind::array && top.number > 0 &&
         heard.text(heard.element(0, 0)) == "message";
}

}  // namespace

/// The connection. Its own coroutines keep it alive, so it may outlive the client for as long as it
/// takes them to see that it was closed.
class RedisClient::Link : public std::enable_shared_from_this<Link> {
 public:
  Link(asio::io_context& context, RedisPlace place, StateLog& log, RedisWording wording)
      : executor_(context.get_executor()),
        settings_(place.settings),
        root_(place.root),
        log_(log),
        wording_(wording),
        name_(describe(place.settings)),
        connecting_(executor_, std::move(place)),
        overdue_(executor_),
        changed_(executor_),
        random_(static_cast<std::minstd_rand::result_type>(make_stamp())) {}

  void start(Events events) {
    events_ = std::move(events);
    asio::co_spawn(executor_, run(shared_from_this()), note_failure);
  }

  bool is_ready() const { return phase_ == Phase::ready; }
  bool takes(const Pipeline& pipeline) const {
    return (phase_ == Phase::preparing || phase_ == Phase::ready) && pipeline.commands() > 0 &&
           outstanding_commands_ + pipeline.commands() <= command_limit &&
           request_.size() - sent_ + pipeline.request().size() <= byte_limit;
  }
  void send(Pipeline& pipeline, Resume resume);
  void lose(std::string_view reason, RedisBackoff::Loss loss = RedisBackoff::Loss::free);
  void note_refusal(std::string_view error);
  void close();

  std::string run_id;
  std::uint32_t history = 0;

 private:
  /// `connecting`: no exchange is possible; `preparing`: those of the handshake and of `prepare`
  /// are.
  enum class Phase : std::uint8_t { connecting, preparing, ready, down, closed };

  /// `resume` owns the coroutine that waits, and so the frame that `pipeline` lives on.
  struct Outstanding {
    Pipeline* pipeline;
    SteadyClock::time_point deadline;
    Resume resume;
  };

  static void note_failure(const std::exception_ptr& failure);
  static awaitable<void> run(std::shared_ptr<Link> link);
  static awaitable<void> read(std::shared_ptr<Link> link, std::shared_ptr<RedisStream> stream,
                              std::uint64_t generation);
  awaitable<bool> connect();
  awaitable<bool> greet();
  bool is_cluster() const { return settings_.kind == config::RedisKind::cluster; }
  void say(const std::string& line, spdlog::level::level_enum level);

  std::span<char> room();
  bool take(std::size_t size);
  void flush();
  void watch();
  void resume_answered();
  void resume_later();

  Executor executor_;
  const config::RedisSettings settings_;
  const std::string root_;
  StateLog& log_;
  const RedisWording wording_;
  std::string name_;  ///< of the Redis that is, was, or is to be connected to
  Events events_;

  Phase phase_ = Phase::connecting;
  std::uint64_t generation_ = 0;  ///< of the connection: what an older one still reports is void
  RedisBackoff backoff_;
  RedisConnecting connecting_;
  std::shared_ptr<RedisStream> stream_;  ///< null while it is connecting
  Timer overdue_;
  bool watching_ = false;
  Timer changed_;  ///< waited for by run(), cancelled when the phase changes

  std::shared_ptr<char[]> chunk_;        ///< what was received last; pipelines may keep it
  std::shared_ptr<char[]> other_chunk_;  ///< what was received before; null until it is needed
  std::optional<ReplyReader> reader_;    ///< of this connection
  Pipeline heard_;                       ///< of one that may be told things: what comes now

  RequestBytes request_;  ///< to be written, from `sent_` on
  std::size_t sent_ = 0;
  bool flush_posted_ = false;
  bool waits_for_room_ = false;

  std::deque<Outstanding> outstanding_;
  std::size_t outstanding_commands_ = 0;
  std::vector<Resume> resumable_;  ///< between the end of their wait and being resumed
  std::vector<Resume> resumed_;    ///< empty: room for the next ones
  std::minstd_rand random_;
};

void RedisClient::Link::note_failure(const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& exception) {
    spdlog::error("redis: the client stopped: {}", exception.what());
  }
}

awaitable<void> RedisClient::Link::run(std::shared_ptr<Link> link) {
  Link& self = *link;
  while (self.phase_ != Phase::closed) {
    self.phase_ = Phase::connecting;
    const bool connected = co_await self.connect();
    if (connected && self.phase_ == Phase::connecting) {
      self.phase_ = Phase::preparing;
      self.reader_.emplace(self.events_.hear ? of_messages : of_replies);
      self.heard_ = {};
      asio::co_spawn(self.executor_, read(link, self.stream_, self.generation_), note_failure);
      const bool greeted = co_await self.greet();
      bool prepared = false;
      if (greeted) prepared = co_await self.events_.prepare();
      if (greeted && !prepared) self.lose("evictions could not be delivered");
    }
    if (self.phase_ == Phase::preparing) {
      self.phase_ = Phase::ready;
      if (!self.wording_.ready.empty())
        self.say(fmt::format(
                     "redis: {}{} {}", self.name_,
                     self.is_cluster() ? "" : fmt::format(" database {}", self.settings_.database),
                     self.wording_.ready),
                 spdlog::level::info);
      self.backoff_.ready(SteadyClock::now());
      error_code ignored;
      self.changed_.expires_at(SteadyClock::time_point::max());
      co_await self.changed_.async_wait(asio::redirect_error(use_awaitable, ignored));
    }
    if (self.phase_ == Phase::closed) break;
    error_code ignored;
    const double chance = std::uniform_real_distribution<double>()(self.random_);
    self.changed_.expires_after(self.backoff_.pause(chance));
    co_await self.changed_.async_wait(asio::redirect_error(use_awaitable, ignored));
  }
}

awaitable<bool> RedisClient::Link::connect() {
  RedisConnection made = co_await connecting_.connect();
  if (phase_ != Phase::connecting) {
    if (made.stream) made.stream->close();
    co_return false;
  }
  name_ = std::move(made.name);
  stream_ = std::move(made.stream);
  if (!stream_) lose(made.failure);
  co_return stream_ != nullptr;
}

awaitable<bool> RedisClient::Link::greet() {
  Pipeline greeting = make_greeting(settings_, root_);
  co_await asio::async_initiate<const asio::deferred_t, void()>(
      [this, &greeting](auto handler) { send(greeting, Resume(std::move(handler))); },
      asio::deferred);
  if (!greeting.is_answered() || phase_ != Phase::preparing) co_return false;
  const std::variant<RedisFacts, GreetingRefused> answer = read_greeting(greeting, settings_);
  if (const auto* refused = std::get_if<GreetingRefused>(&answer)) {
    lose(refused->reason);
    co_return false;
  }
  const RedisFacts& facts = std::get<RedisFacts>(answer);
  run_id = facts.run_id;
  history = facts.history.empty() ? 0 : static_cast<std::uint32_t>(xxh3(facts.history)) | 1;
  const std::string line = fmt::format("redis: {}: {}", name_, facts.memory_warning);
  if (!facts.memory_warning.empty() && log_.is_news("redis memory", line, SteadyClock::now()))
    spdlog::warn("{}", line);
  co_return true;
}

awaitable<void> RedisClient::Link::read(std::shared_ptr<Link> link,
                                        std::shared_ptr<RedisStream> stream,
                                        std::uint64_t generation) {
  Link& self = *link;
  for (;;) {
    const RedisStream::Read read = co_await stream->read_some(self.room());
    if (generation != self.generation_) co_return;
    if (read.error) {
      self.lose(stream->describe(read.error));
      co_return;
    }
    if (!self.take(read.size)) {
      self.lose("it sent what is no reply to any command");
      co_return;
    }
    self.resume_answered();
    if (generation != self.generation_) co_return;
  }
}

/// For what comes next: what nobody keeps.
std::span<char> RedisClient::Link::room() {
  if (chunk_.use_count() > 1) std::swap(chunk_, other_chunk_);
  if (chunk_.use_count() != 1) chunk_ = std::make_shared_for_overwrite<char[]>(chunk_size);
  return {chunk_.get(), chunk_size};
}

/// So many bytes have come.
bool RedisClient::Link::take(std::size_t size) try {
  // All of them must be answers to somebody.
  Received received{{chunk_.get(), size}, chunk_};
  while (!received.bytes.empty()) {
    if (outstanding_.empty() && !events_.hear) return false;
    const ReplyReader::Result result =
        reader_->read(received, events_.hear ? heard_ : *outstanding_.front().pipeline);
    if (result == ReplyReader::Result::refused) return false;
    if (result == ReplyReader::Result::incomplete) break;
    if (events_.hear) {
      const Pipeline heard = std::exchange(heard_, Pipeline());
      if (is_message(heard)) {
        if (!events_.hear(heard)) return false;
        continue;
      }
      if (outstanding_.empty()) return false;
      outstanding_.front().pipeline->adopt(heard);
    }
    // A single Redis is where it is: what it refuses is the caller's business.
    const std::string& misplaced = outstanding_.front().pipeline->misplaced();
    if (settings_.kind != config::RedisKind::single && !misplaced.empty()) {
      lose(printable_error(misplaced));
      return true;
    }
    --outstanding_commands_;
    if (!outstanding_.front().pipeline->is_answered()) continue;
    resumable_.push_back(std::move(outstanding_.front().resume));
    outstanding_.pop_front();
  }
  if (!resumable_.empty()) backoff_.answered(SteadyClock::now());
  return true;
} catch (const std::bad_alloc&) {
  return false;  // a reply of a size that there is no memory for
}

/// At once: whoever waits may send, close, or destroy the client, so this is the last that is done
/// with what came.
void RedisClient::Link::resume_answered() {
  std::vector<Resume> answered = std::exchange(resumable_, std::move(resumed_));
  for (Resume& next : answered) std::move(next)();
  answered.clear();
  resumed_ = std::move(answered);
}

void RedisClient::Link::send(Pipeline& pipeline, Resume resume) {
  if (!takes(pipeline)) {
    resumable_.push_back(std::move(resume));
    resume_later();
    return;
  }
  // Few bytes are copied into room that is there already; many are not, and not kept for the wait.
  const std::string_view request = pipeline.request();
  if (request.size() <= small_request) {
    request_.insert(request_.end(), request.begin(), request.end());
  } else {
    RequestBytes large = pipeline.take_request();
    if (request_.empty() && large.size() > request_.capacity())
      request_ = std::move(large);
    else
      request_.insert(request_.end(), large.begin(), large.end());
  }
  outstanding_commands_ += pipeline.commands();
  outstanding_.push_back({&pipeline, SteadyClock::now() + settings_.timeout, std::move(resume)});
  watch();
  if (flush_posted_ || waits_for_room_) return;
  flush_posted_ = true;
  asio::post(executor_, [link = shared_from_this()] {
    link->flush_posted_ = false;
    link->flush();
  });
}

void RedisClient::Link::flush() {
  if (waits_for_room_ || (phase_ != Phase::preparing && phase_ != Phase::ready)) return;
  while (sent_ < request_.size()) {
    error_code error;
    sent_ += stream_->write_some({request_.data() + sent_, request_.size() - sent_}, error);
    if (error == asio::error::would_block || error == asio::error::try_again) {
      waits_for_room_ = true;
      stream_->wait_for_room([link = shared_from_this(), generation = generation_](error_code) {
        if (generation != link->generation_) return;
        link->waits_for_room_ = false;
        link->flush();
      });
      return;
    }
    if (error) return lose(stream_->describe(error));
  }
  sent_ = 0;
  request_.clear();
  if (request_.capacity() > spare_buffer) request_.shrink_to_fit();
}

/// All commands have the same time, so the oldest is overdue first; one timer is enough, and it is
/// left to run out rather than set anew for each command.
void RedisClient::Link::watch() {
  if (watching_ || outstanding_.empty()) return;
  watching_ = true;
  overdue_.expires_at(outstanding_.front().deadline);
  overdue_.async_wait([link = shared_from_this()](error_code) {
    link->watching_ = false;
    if (link->outstanding_.empty()) return;
    if (link->outstanding_.front().deadline <= SteadyClock::now())
      link->lose(fmt::format("no reply within {} ms", link->settings_.timeout.count()),
                 RedisBackoff::Loss::overdue);
    else
      link->watch();
  });
}

void RedisClient::Link::say(const std::string& line, spdlog::level::level_enum level) {
  // Nodes of a Cluster come and go independently of each other.
  std::string subject(wording_.subject);
  if (is_cluster()) subject += " " + name_;
  if (log_.is_news(subject, line, SteadyClock::now())) spdlog::log(level, "{}", line);
}

/// The same words are said again only once something else was refused in between: who is refused
/// is refused at each fill.
void RedisClient::Link::note_refusal(std::string_view error) {
  const std::string line = fmt::format("redis: {} refuses: {}", name_, printable_error(error));
  if (log_.is_news("redis refusal", line, SteadyClock::now())) spdlog::warn("{}", line);
}

void RedisClient::Link::lose(std::string_view reason, RedisBackoff::Loss loss) {
  if (phase_ == Phase::down || phase_ == Phase::closed) return;
  backoff_.lost(loss, SteadyClock::now());
  say(fmt::format("redis: {} {}: {}. {}", name_, wording_.lost, reason, wording_.consequence),
      spdlog::level::warn);
  log_.forget("redis memory");
  log_.forget("redis refusal");
  phase_ = Phase::down;
  ++generation_;
  connecting_.cancel();
  if (stream_) stream_->close();
  waits_for_room_ = false;
  sent_ = 0;
  request_ = {};
  for (Outstanding& lost : outstanding_) resumable_.push_back(std::move(lost.resume));
  outstanding_.clear();
  outstanding_commands_ = 0;
  resume_later();
  changed_.cancel();
  if (events_.lost) events_.lost();
}

void RedisClient::Link::close() {
  if (phase_ == Phase::closed) return;
  // Not lost, but given back: nothing to report.
  phase_ = Phase::closed;
  ++generation_;
  connecting_.cancel();
  if (stream_) stream_->close();
  for (Outstanding& lost : outstanding_) resumable_.push_back(std::move(lost.resume));
  outstanding_.clear();
  resume_later();
  overdue_.cancel();
  changed_.cancel();
  events_ = {};
}

/// Not from within whatever is going on: those who wait may send, close, or destroy the client.
/// What is posted owns them, not the link: they may own the client, and with it the link.
void RedisClient::Link::resume_later() {
  if (resumable_.empty()) return;
  asio::post(executor_, [resumable = std::exchange(resumable_, {})]() mutable {
    for (Resume& next : resumable) std::move(next)();
  });
}

RedisClient::RedisClient(asio::io_context& context, RedisPlace place, StateLog& log,
                         RedisWording wording)
    : link_(std::make_shared<Link>(context, std::move(place), log, wording)) {}

RedisClient::~RedisClient() {
  close();
}

void RedisClient::start(Events events) {
  link_->start(std::move(events));
}

bool RedisClient::is_ready() const {
  return link_->is_ready();
}

const std::string& RedisClient::run_id() const {
  return link_->run_id;
}

std::uint32_t RedisClient::history() const {
  return link_->history;
}

std::uint64_t RedisClient::run() const {
  return link_->run_id.empty() ? 0 : xxh3(link_->run_id);
}

void RedisClient::send(Pipeline& pipeline, Resume resume) {
  link_->send(pipeline, std::move(resume));
}

void RedisClient::distrust(std::string_view reason) {
  link_->lose(reason);
}

void RedisClient::note_refusal(std::string_view error) {
  link_->note_refusal(error);
}

void RedisClient::close() {
  link_->close();
}

}  // namespace larder::store
