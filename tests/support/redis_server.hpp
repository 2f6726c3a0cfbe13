// Redis server: a real redis-server of a test's own, on a port of its own, always reaped.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <hiredis/hiredis.h>

#include "config/config.hpp"

namespace larder::test {

class RedisServer {
 public:
  struct Answer {
    bool failed = false;  ///< no answer, or an error; `text` says which
    bool nil = false;
    std::string text;
    long long integer = 0;
    std::vector<std::string> elements;
  };

  explicit RedisServer(std::vector<std::string> options = {}) : options_(std::move(options)) {
    char name[] = "/tmp/larder-redis-XXXXXX";
    if (mkdtemp(name) == nullptr) throw std::runtime_error("no directory for redis-server");
    folder_ = name;
    start();
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// Starts it, on the same port and with the data of its last dump; waits until it answers.
  void start() {
    for (int attempt = 0; attempt < 20; ++attempt) {
      if (port_ == 0 || attempt > 0) port_ = free_port();
      process_ = spawn();
      if (answers()) return;
      kill();
    }
    throw std::runtime_error("redis-server does not start");
  }
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  void pause() { ::kill(process_, SIGSTOP); }
  void go_on() { ::kill(process_, SIGCONT); }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Database 1, and time enough for a machine that runs other tests as well.
  [[nodiscard]] config::RedisSettings settings() const {
    config::RedisSettings settings;
    settings.endpoint = {"127.0.0.1", port_};
    settings.timeout = std::chrono::milliseconds(2'000);
    settings.connect_timeout = std::chrono::milliseconds(2'000);
    return settings;
  }

  Answer command(const std::vector<std::string>& words, int database = 1) {
    const std::unique_ptr<redisContext, void (*)(redisContext*)> context(
        redisConnectWithTimeout("127.0.0.1", port_, {5, 0}), redisFree);
    Answer answer;
    answer.failed = true;
    if (!context || context->err != 0) return answer;
    redisSetTimeout(context.get(), {5, 0});
    if (!password.empty()) run(*context, {"AUTH", password});
    run(*context, {"SELECT", std::to_string(database)});
    return run(*context, words);
  }
  /// The names of the keys that fit the pattern.
  std::vector<std::string> keys(const std::string& pattern = "*") {
    return command({"KEYS", pattern}).elements;
  }

  std::string password;  ///< for command()

 private:
  static Answer run(redisContext& context, const std::vector<std::string>& words) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string& word : words) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    Answer answer;
    auto* reply = static_cast<redisReply*>(
        redisCommandArgv(&context, static_cast<int>(words.size()), texts.data(), sizes.data()));
    if (reply == nullptr) {
      answer.failed = true;
      return answer;
    }
    answer.failed = reply->type == REDIS_REPLY_ERROR;
    answer.nil = reply->type == REDIS_REPLY_NIL;
    if (reply->type == REDIS_REPLY_INTEGER) answer.integer = reply->integer;
    if (reply->str != nullptr) answer.text.assign(reply->str, reply->len);
    for (std::size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; ++i)
      if (reply->element[i]->str != nullptr)
        answer.elements.emplace_back(reply->element[i]->str, reply->element[i]->len);
    freeReplyObject(reply);
    return answer;
  }

  static std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    close(socket);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
  }

  pid_t spawn() const {
    std::vector<std::string> words = {"redis-server",
                                      "--port",
                                      std::to_string(port_),
                                      "--bind",
                                      "127.0.0.1",
                                      "--dir",
                                      folder_,
                                      "--save",
                                      "",
                                      "--maxmemory",
                                      "64mb",
                                      "--maxmemory-policy",
                                      "allkeys-lru",
                                      "--logfile",
                                      folder_ + "/log",
                                      "--enable-debug-command",
                                      "yes"};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    const pid_t process = fork();
    if (process != 0) return process;
    // Nothing is left behind, however the test ends.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }

  bool answers() {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < limit) {
      if (waitpid(process_, nullptr, WNOHANG) == process_) {
        process_ = 0;
        return false;
      }
      const Answer answer = command({"PING"});
      if (answer.text == "PONG" || answer.text.starts_with("NOAUTH")) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }

  std::vector<std::string> options_;
  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = 0;
};

}  // namespace larder::test
