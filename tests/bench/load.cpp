// The load generator: one thread, epoll, one request at a time on each connection.
//
//   bench_load --port PORT [--connections N] [--seconds S | --requests N] [--warm S] [--rate R]
//              [--method GET] [--target /kib/1/%/] [--urls N] [--zipf EXPONENT] [--seed N]
//              [--field "Name: value"]... [--status 200] [--cpu-of PID]... [--cpu-beside PID]...
//              [--tls CIPHER] [--poll MICROSECONDS]
//
// Without --rate the loop is closed: each connection asks again as soon as it is answered. With it,
// requests are due by a schedule that no answer can delay, and each one's latency counts from when
// it was due, as wrk2 does: a server that stops for a second is charged for all that would have
// been asked.
// "%" in the target, or in a field, is the number of a URL, 0 to N - 1: in turn, or by Zipf's law.
// With --poll a closed loop does not sleep until there is an answer, but looks so often: a sleeper
// is woken in the server's time. What happens in the first --warm seconds is not counted. Prints
// one line of JSON; any answer that is not of the expected status, or breaks off, ends the program
// with status 1.
#include <sys/prctl.h>

#include <array>
#include <cmath>
#include <ctime>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "answer_reader.hpp"
#include "histogram.hpp"
#include "loopback.hpp"
#include "tls_client.hpp"

namespace {

using namespace larder::bench;

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t patience = 20 * second;  // for any answer at all

std::uint64_t nanoseconds_of(clockid_t clock) {
  timespec time{};
  checked(clock_gettime(clock, &time), "clock_gettime");
  return static_cast<std::uint64_t>(time.tv_sec) * second +
         static_cast<std::uint64_t>(time.tv_nsec);
}
std::uint64_t now() {
  return nanoseconds_of(CLOCK_MONOTONIC);
}

struct Plan {
  std::uint16_t port = 0;
  std::size_t connections = 1;
  double seconds = 1;
  std::uint64_t requests = 0;  ///< zero: as many as the seconds allow
  double warm = 0;
  double rate = 0;         ///< a second; zero: a closed loop
  std::uint64_t poll = 0;  ///< between two looks, ns; zero: sleeps
  std::string method = "GET";
  std::string target = "/kib/1/%/";
  std::uint32_t urls = 1;
  double zipf = 0;  ///< exponent; zero: in turn
  unsigned seed = 1;
  std::string fields;
  int status = 200;
  std::vector<pid_t> processes;  ///< the server's
  std::vector<pid_t> beside;     ///< what it asks in turn
  std::string cipher;            ///< of TLS; empty: it is not spoken
};

Plan read_plan(int count, char** arguments) {
  Plan plan;
  for (int index = 1; index < count; index += 2) {
    const std::string name = arguments[index];
    if (index + 1 == count) fail(name + " takes a value");
    const char* const value = arguments[index + 1];
    if (name == "--port") {
      plan.port = port_of(value);
    } else if (name == "--connections") {
      plan.connections = std::strtoul(value, nullptr, 10);
    } else if (name == "--seconds") {
      plan.seconds = std::strtod(value, nullptr);
    } else if (name == "--requests") {
      plan.requests = std::strtoull(value, nullptr, 10);
    } else if (name == "--warm") {
      plan.warm = std::strtod(value, nullptr);
    } else if (name == "--rate") {
      plan.rate = std::strtod(value, nullptr);
    } else if (name == "--method") {
      plan.method = value;
    } else if (name == "--target") {
      plan.target = value;
    } else if (name == "--urls") {
      plan.urls = static_cast<std::uint32_t>(std::strtoul(value, nullptr, 10));
    } else if (name == "--zipf") {
      plan.zipf = std::strtod(value, nullptr);
    } else if (name == "--seed") {
      plan.seed = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    } else if (name == "--field") {
      plan.fields.append(value).append("\r\n");
    } else if (name == "--status") {
      plan.status = std::atoi(value);
    } else if (name == "--cpu-of") {
      plan.processes.push_back(std::atoi(value));
    } else if (name == "--cpu-beside") {
      plan.beside.push_back(std::atoi(value));
    } else if (name == "--poll") {
      plan.poll = static_cast<std::uint64_t>(std::atof(value) * 1000);
    } else if (name == "--tls") {
      plan.cipher = value;
    } else {
      fail("no such option: " + name);
    }
  }
  if (plan.port == 0 || plan.connections == 0 || plan.urls == 0)
    fail("--port, and at least one connection and URL");
  return plan;
}

/// Which URL comes next.
class Urls {
 public:
  explicit Urls(const Plan& plan) : count_(plan.urls) {
    if (plan.zipf <= 0) return;
    std::vector<double> up_to(count_);
    double sum = 0;
    for (std::uint32_t rank = 0; rank < count_; ++rank)
      up_to[rank] = sum += std::pow(rank + 1.0, -plan.zipf);
    // Drawn before the load begins, so that drawing does not count.
    std::mt19937_64 random(plan.seed);
    std::uniform_real_distribution<double> draw(0, sum);
    drawn_.resize(std::size_t{1} << 20);
    for (std::uint32_t& url : drawn_) {
      const auto found = std::lower_bound(up_to.begin(), up_to.end(), draw(random));
      url = std::min(static_cast<std::uint32_t>(found - up_to.begin()), count_ - 1);
    }
  }

  std::uint64_t next() {
    const std::uint64_t turn = turn_++;
    return drawn_.empty() ? turn % count_ : drawn_[turn % drawn_.size()];
  }

 private:
  std::uint32_t count_;
  std::uint64_t turn_ = 0;
  std::vector<std::uint32_t> drawn_;
};

/// Of all threads of some processes, those that have ended too, while requests count.
class ProcessorTime {
 public:
  void start(const std::vector<pid_t>& processes) {
    before_.clear();
    for (const pid_t process : processes) {
      const std::optional<std::uint64_t> used = used_by(process);
      if (used) before_.emplace_back(process, *used);
    }
  }
  void stop() {
    used_ = 0;
    for (const auto& [process, before] : before_)
      used_ += used_by(process).value_or(before) - before;
  }
  [[nodiscard]] std::uint64_t used() const { return used_; }

 private:
  /// None when the process has ended; what it used since the start is lost.
  static std::optional<std::uint64_t> used_by(pid_t process) {
    clockid_t clock{};
    if (clock_getcpuclockid(process, &clock) != 0) return std::nullopt;
    return nanoseconds_of(clock);
  }

  std::vector<std::pair<pid_t, std::uint64_t>> before_;
  std::uint64_t used_ = 0;
};

class Load {
 public:
  explicit Load(const Plan& plan)
      : plan_(plan), urls_(plan), poll_(checked(epoll_create1(0), "epoll_create1")) {
    const std::string request =
        plan.method + " " + plan.target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + plan.fields + "\r\n";
    const std::size_t mark = request.find('%');
    before_ = request.substr(0, mark);
    is_numbered_ = mark != std::string::npos;
    if (is_numbered_) after_ = request.substr(mark + 1);
    if (!plan.cipher.empty()) tls_ = make_tls_context(plan.cipher);
    checked(prctl(PR_SET_TIMERSLACK, 1), "PR_SET_TIMERSLACK");
    connections_.resize(plan.connections);
    for (Connection& connection : connections_) open(connection);
  }

  void run() {
    const std::uint64_t began = now();
    counting_from_ = began + static_cast<std::uint64_t>(plan_.warm * second);
    ends_ = plan_.requests > 0
                ? UINT64_MAX
                : counting_from_ + static_cast<std::uint64_t>(plan_.seconds * second);
    if (plan_.warm <= 0) start_counting(began);
    if (plan_.rate > 0) {
      run_by_schedule(began);
    } else {
      run_closed();
    }
    finished_ = now();
    server_.stop();
    beside_.stop();
    print();
  }

 private:
  struct Connection {
    int socket = -1;
    std::unique_ptr<TlsClient> tls;  ///< null: it is not spoken
    AnswerReader reader;
    std::uint64_t due = 0;
    std::string request;
  };

  void open(Connection& connection) {
    connection.socket = connect_to(plan_.port);
    if (tls_) connection.tls = std::make_unique<TlsClient>(tls_.get(), connection.socket);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(&connection - connections_.data());
    checked(epoll_ctl(poll_, EPOLL_CTL_ADD, connection.socket, &event), "epoll_ctl");
  }

  void ask(Connection& connection, std::uint64_t due) {
    connection.due = due;
    connection.request = before_;
    if (is_numbered_) connection.request += std::to_string(urls_.next());
    connection.request += after_;
    ++asked_;
    transmit(connection);
  }

  void transmit(Connection& connection) {
    connection.reader.begin(plan_.method == "HEAD");
    const std::string& request = connection.request;
    const ssize_t sent =
        connection.tls ? connection.tls->send(request)
                       : send(connection.socket, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(request.size())) return;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return reconnect(connection);
    fail("a request could not be sent at once");
  }

  // A server may close between two requests.
  void reconnect(Connection& connection) {
    if (++reconnects_ > 1000 + asked_ / 10) fail("the server keeps closing connections");
    connection.tls.reset();
    close(connection.socket);
    open(connection);
    transmit(connection);
  }

  /// `unseen`: bytes that are dropped at once, above zero without TLS alone.
  ssize_t read(Connection& connection, std::size_t unseen) {
    if (connection.tls) return connection.tls->receive(room_);
    // MSG_TRUNC: the kernel drops what is read, without copying it.
    return unseen > 0 ? recv(connection.socket, nullptr, unseen, MSG_DONTWAIT | MSG_TRUNC)
                      : recv(connection.socket, room_.data(), room_.size(), MSG_DONTWAIT);
  }

  /// True when its answer is complete.
  bool receive(Connection& connection) {
    AnswerReader& reader = connection.reader;
    while (!reader.is_complete()) {
      const std::size_t unseen = connection.tls ? 0 : reader.content_left();
      const ssize_t size = read(connection, unseen);
      if (size < 0 && errno == EAGAIN) return false;
      if (size <= 0) {
        if (reader.has_begun()) fail("an answer broke off");
        reconnect(connection);
        return false;
      }
      const auto read = static_cast<std::size_t>(size);
      bytes_ += read;
      if (unseen > 0) {
        reader.take_content(read);
      } else {
        reader.take({room_.data(), read});
      }
      if (reader.is_broken()) fail("an answer that is not understood:\n" + reader.head());
    }
    if (reader.status() != plan_.status)
      fail("an answer of another status than expected:\n" + reader.head());
    return true;
  }

  void note(const Connection& connection, std::uint64_t at) {
    if (!counts_ && at >= counting_from_) start_counting(at);
    ++answered_;
    if (counts_ && connection.due >= counting_from_) latencies_.add(at - connection.due);
    if (counts_) ++counted_;
  }

  void start_counting(std::uint64_t at) {
    counts_ = true;
    counting_from_ = at;
    bytes_ = 0;
    server_.start(plan_.processes);
    beside_.start(plan_.beside);
  }

  [[nodiscard]] bool may_ask(std::uint64_t at) const {
    return at < ends_ && (plan_.requests == 0 || asked_ < plan_.requests);
  }

  /// Waits until `wake` at most; the connections whose answers are complete.
  const std::vector<Connection*>& wait(std::uint64_t wake) {
    answered_now_.clear();
    const std::uint64_t at = now();
    const std::uint64_t left = wake > at ? wake - at : 0;
    const timespec timeout{static_cast<time_t>(left / second), static_cast<long>(left % second)};
    const int count =
        epoll_pwait2(poll_, events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
    if (count < 0 && errno != EINTR) fail(std::string("epoll_pwait2: ") + std::strerror(errno));
    for (int index = 0; index < count; ++index) {
      Connection& connection = connections_[events_[static_cast<std::size_t>(index)].data.u64];
      if (receive(connection)) answered_now_.push_back(&connection);
    }
    return answered_now_;
  }

  static void stay_awake(std::uint64_t time) {
    for (const std::uint64_t until = now() + time; now() < until;) {
    }
  }

  void run_closed() {
    for (Connection& connection : connections_) {
      if (may_ask(now())) ask(connection, now());
    }
    for (std::uint64_t heard = now(); answered_ < asked_;) {
      if (plan_.poll > 0) stay_awake(plan_.poll);
      for (Connection* connection : wait(plan_.poll > 0 ? 0 : heard + patience)) {
        heard = now();
        note(*connection, heard);
        if (may_ask(heard)) ask(*connection, heard);
      }
      if (now() > heard + patience) fail("no answer for 20 s");
    }
  }

  void run_by_schedule(std::uint64_t began) {
    std::vector<Connection*> idle;
    for (Connection& connection : connections_) idle.push_back(&connection);
    const double step = static_cast<double>(second) / plan_.rate;
    std::uint64_t heard = began;
    while (true) {
      const std::uint64_t due =
          began + static_cast<std::uint64_t>(static_cast<double>(asked_) * step);
      const bool is_over = !may_ask(due);
      if (is_over && answered_ == asked_) return;
      if (!is_over && !idle.empty() && due <= now()) {
        ask(*idle.back(), due);
        idle.pop_back();
        continue;
      }
      // None idle: what is due waits here, and its latency grows.
      const bool waits_for_answers = is_over || idle.empty();
      for (Connection* connection : wait(waits_for_answers ? heard + patience : due)) {
        heard = now();
        note(*connection, heard);
        idle.push_back(connection);
      }
      if (answered_ == asked_) heard = now();
      if (now() > heard + patience) fail("no answer for 20 s");
    }
  }

  void print() const {
    const double seconds = static_cast<double>(finished_ - counting_from_) / second;
    const auto requests = static_cast<double>(std::max<std::uint64_t>(counted_, 1));
    const auto microseconds = [](std::uint64_t time) { return static_cast<double>(time) / 1000; };
    std::printf(
        "{\"requests\": %llu, \"seconds\": %.6f, \"requests_per_second\": %.1f, "
        "\"cpu_us_per_request\": %.4f, \"beside_us_per_request\": %.4f, \"bytes\": %llu, "
        "\"reconnects\": %llu, \"p50_us\": %.1f, "
        "\"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}\n",
        static_cast<unsigned long long>(counted_), seconds, requests / seconds,
        microseconds(server_.used()) / requests, microseconds(beside_.used()) / requests,
        static_cast<unsigned long long>(bytes_), static_cast<unsigned long long>(reconnects_),
        microseconds(latencies_.percentile(0.5)), microseconds(latencies_.percentile(0.99)),
        microseconds(latencies_.percentile(0.999)), microseconds(latencies_.most()));
  }

  const Plan& plan_;
  Urls urls_;
  int poll_;
  std::string before_;
  std::string after_;
  bool is_numbered_ = false;
  TlsContext tls_;
  std::vector<Connection> connections_;
  std::vector<Connection*> answered_now_;
  std::array<epoll_event, 256> events_{};
  std::array<char, 64 * 1024> room_{};
  Histogram latencies_;
  ProcessorTime server_;
  ProcessorTime beside_;
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t counted_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t reconnects_ = 0;
  std::uint64_t counting_from_ = 0;
  std::uint64_t ends_ = 0;
  std::uint64_t finished_ = 0;
  bool counts_ = false;
};

}  // namespace

int main(int count, char** arguments) {
  const Plan plan = read_plan(count, arguments);
  Load(plan).run();
}
