#include "store/redis_greeting.hpp"

#include <string_view>

#include <spdlog/fmt/fmt.h>

namespace larder::store {

namespace {

/// The last two may be refused (ACL, renamed commands): Larder works without what they tell.
constexpr std::size_t optional_commands = 2;

/// The value of "name:value" in an answer to INFO; empty when it is not there.
std::string_view find_info(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    const std::size_t end = info.find("\r\n");
    const std::string_view line = info.substr(0, end);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return line.substr(name.size() + 1);
    info.remove_prefix(end == std::string_view::npos ? info.size() : end + 2);
  }
  return {};
}

/// What may go into a log line.
std::string printable(std::string_view text) {
  std::string line(text.substr(0, 200));
  for (char& character : line)
    if (character < ' ' || character > '~') character = '?';
  return line;
}

std::string warn_of_memory(std::string_view info) {
  const std::string_view policy = find_info(info, "maxmemory_policy");
  if (find_info(info, "maxmemory") == "0")
    return "it has no memory limit: stored responses may fill the machine. Start it with "
           "--maxmemory 256mb --maxmemory-policy allkeys-lru";
  if (!policy.empty() && policy != "allkeys-lru")
    return fmt::format(
        "its maxmemory-policy is {}: when it is full it may refuse new responses instead of "
        "dropping old ones, or drop others first. Start it with --maxmemory-policy allkeys-lru",
        printable(policy));
  return {};
}

}  // namespace

std::string printable_error(std::string_view error) {
  // A renamed AUTH is quoted with its arguments.
  return printable(error.substr(0, error.find(", with args")));
}

Pipeline make_greeting(const config::RedisSettings& settings) {
  Pipeline greeting;
  if (!settings.username.empty())
    greeting.add({"AUTH", settings.username, settings.password});
  else if (!settings.password.empty())
    greeting.add({"AUTH", settings.password});
  greeting.add({"SELECT", std::to_string(settings.database)});
  greeting.add({"PING"});
  greeting.add({"INFO", "server"});
  greeting.add({"INFO", "memory"});
  return greeting;
}

std::variant<RedisFacts, GreetingRefused> read_greeting(const Pipeline& greeting) {
  const std::size_t needed = greeting.commands() - optional_commands;
  for (std::size_t i = 0; i < needed; ++i) {
    const Reply& reply = greeting.reply(i);
    if (reply.kind == Reply::Kind::status) continue;
    if (reply.kind == Reply::Kind::error)
      return GreetingRefused{printable_error(greeting.text(reply))};
    return GreetingRefused{"it does not answer as Redis does"};
  }
  RedisFacts facts;
  const Reply& server = greeting.reply(needed);
  const Reply& memory = greeting.reply(needed + 1);
  if (server.kind == Reply::Kind::text)
    facts.run_id = printable(find_info(greeting.text(server), "run_id"));
  if (memory.kind == Reply::Kind::text)
    facts.memory_warning = warn_of_memory(greeting.text(memory));
  return facts;
}

}  // namespace larder::store
