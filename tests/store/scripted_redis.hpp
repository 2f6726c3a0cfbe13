// Scripted Redis: a server that answers as a test wants it to. Runs on the loop of the store.
#pragma once

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "config/config.hpp"
#include "store/io.hpp"

namespace larder::test {

using Words = std::vector<std::string>;

inline std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

class ScriptedRedis {
 public:
  using Tcp = asio::ip::tcp;

  explicit ScriptedRedis(asio::io_context& context) : state_(std::make_shared<State>(context)) {
    asio::co_spawn(context, accept(state_), asio::detached);
  }
  ~ScriptedRedis() {
    error_code ignored;
    state_->acceptor.close(ignored);
  }

  [[nodiscard]] config::RedisSettings settings() const {
    config::RedisSettings settings;
    settings.endpoint = {"127.0.0.1", state_->acceptor.local_endpoint().port()};
    settings.timeout = std::chrono::milliseconds(300);
    return settings;
  }
  [[nodiscard]] int connections() const { return state_->connections; }
  /// How often bytes came: one round trip each, when the client waits for its answers.
  [[nodiscard]] int reads() const { return state_->reads; }
  /// How many segments with data the client has sent on its last connection, one a write at the
  /// least.
  [[nodiscard]] std::uint32_t segments() const {
    char info[256] = {};
    socklen_t size = sizeof info;
    getsockopt(state_->last_socket, IPPROTO_TCP, TCP_INFO, info, &size);
    // tcpi_data_segs_in of Linux' tcp_info, which glibc's does not have.
    std::uint32_t segments = 0;
    std::memcpy(&segments, info + 152, sizeof segments);
    return segments;
  }
  [[nodiscard]] const std::vector<Words>& commands() const { return state_->commands; }

  /// The answer of a Redis that holds nothing.
  static std::string answer(const Words& words) {
    if (words[0] == "PING") return "+PONG\r\n";
    if (words[0] == "INFO") return bulk("run_id:0123456789\r\nmaxmemory:1\r\n");
    if (words[0] == "HMGET") return "*2\r\n$-1\r\n$-1\r\n";
    if (words[0] == "SCRIPT") return bulk(std::string(40, 'a'));
    if (words[0] == "EVALSHA" || words[0] == "DEL" || words[0] == "UNLINK") return ":0\r\n";
    if (words[0] == "PTTL") return ":-2\r\n";
    if (words[0] == "RENAME") return "-ERR no such key\r\n";
    if (words[0] == "MULTI") return "+OK\r\n";
    if (words[0] == "EXEC") return "*2\r\n:1\r\n:1\r\n";
    if (words[0] == "MGET") {
      std::string reply = "*" + std::to_string(words.size() - 1) + "\r\n";
      for (std::size_t i = 1; i < words.size(); ++i) reply += bulk("00000000000000ff");
      return reply;
    }
    if (words[0] == "SELECT" || words[0] == "SET" || words[0] == "AUTH") return "+OK\r\n";
    return "+QUEUED\r\n";
  }
  void set_script(std::function<std::string(const Words&)> script) {
    state_->script = std::move(script);
  }
  /// Every byte is sent by itself.
  void set_dribbling(bool dribbles) { state_->dribbles = dribbles; }

 private:
  struct State {
    explicit State(asio::io_context& context)
        : acceptor(context, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
    asio::basic_socket_acceptor<Tcp, Executor> acceptor;
    std::function<std::string(const Words&)> script = &ScriptedRedis::answer;
    bool dribbles = false;
    int connections = 0;
    int reads = 0;
    int last_socket = -1;
    std::vector<Words> commands;
  };
  using Socket = asio::basic_stream_socket<Tcp, Executor>;

  static awaitable<void> accept(std::shared_ptr<State> state) {
    for (;;) {
      Socket socket(state->acceptor.get_executor());
      error_code error;
      co_await state->acceptor.async_accept(socket, asio::redirect_error(use_awaitable, error));
      if (error) co_return;
      ++state->connections;
      const Executor executor = state->acceptor.get_executor();
      asio::co_spawn(executor, serve(state, std::move(socket)), asio::detached);
    }
  }

  static awaitable<void> serve(std::shared_ptr<State> state, Socket socket) {
    state->last_socket = socket.native_handle();
    std::string received;
    std::vector<char> chunk(64 << 10);
    socket.set_option(Tcp::no_delay(true));
    for (;;) {
      error_code error;
      const std::size_t size = co_await socket.async_read_some(
          asio::buffer(chunk), asio::redirect_error(use_awaitable, error));
      if (error) co_return;
      ++state->reads;
      received.append(chunk.data(), size);
      std::string reply;
      for (Words words = take_command(received); !words.empty(); words = take_command(received)) {
        reply += state->script(words);
        state->commands.push_back(std::move(words));
      }
      const std::size_t step = state->dribbles ? 1 : reply.size();
      for (std::size_t offset = 0; offset < reply.size() && !error; offset += step)
        co_await asio::async_write(socket, asio::buffer(reply.data() + offset, step),
                                   asio::redirect_error(use_awaitable, error));
    }
  }

  /// The first whole command, taken off; empty when there is none.
  static Words take_command(std::string& bytes) {
    std::size_t offset = 0;
    const auto number = [&](char type) -> long {
      const std::size_t end = bytes.find("\r\n", offset);
      if (end == std::string::npos || bytes[offset] != type) return -1;
      long value = -1;
      std::from_chars(bytes.data() + offset + 1, bytes.data() + end, value);
      offset = end + 2;
      return value;
    };
    const long count = number('*');
    Words words;
    for (long i = 0; i < count; ++i) {
      const long size = number('$');
      if (size < 0 || offset + static_cast<std::size_t>(size) + 2 > bytes.size()) return {};
      words.push_back(bytes.substr(offset, static_cast<std::size_t>(size)));
      offset += static_cast<std::size_t>(size) + 2;
    }
    if (!words.empty()) bytes.erase(0, offset);
    return words;
  }

  std::shared_ptr<State> state_;
};

}  // namespace larder::test
