#include "store/redis_greeting.hpp"

#include <string_view>

#include <spdlog/fmt/fmt.h>

namespace larder::store {

namespace {

/// The last may be refused (ACL, renamed commands): a single Redis can do without what they tell.
constexpr std::size_t optional_commands = 3;

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

std::string_view find_text(const Pipeline& greeting, std::size_t command, std::string_view name) {
  const Reply& reply = greeting.reply(command);
  return reply.kind == Reply::Kind::text ? find_info(greeting.text(reply), name)
                                         : std::string_view();
}

}  // namespace

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

std::string printable_error(std::string_view error) {
  // A renamed AUTH is quoted with its arguments.
  return printable(error.substr(0, error.find(", with args")));
}

std::string printable(std::string_view text) {
  std::string line(text.substr(0, 200));
  for (char& character : line)
    if (character < ' ' || character > '~') character = '?';
  return line;
}

void add_authentication(Pipeline& pipeline, const config::RedisSettings& settings) {
  if (!settings.username.empty())
    pipeline.add({"AUTH", settings.username, settings.password});
  else if (!settings.password.empty())
    pipeline.add({"AUTH", settings.password});
}

Pipeline make_greeting(const config::RedisSettings& settings, std::string_view root) {
  Pipeline greeting;
  add_authentication(greeting, settings);
  if (settings.kind != config::RedisKind::cluster)
    greeting.add({"SELECT", std::to_string(settings.database)});
  greeting.add({"PING"});
  // Of a key that never is there: a slot that is being moved away is not served either (ASK).
  if (settings.kind == config::RedisKind::cluster) greeting.add({"EXISTS", root});
  greeting.add({"INFO", "server"});
  greeting.add({"INFO", "memory"});
  greeting.add({"INFO", "replication"});
  return greeting;
}

std::variant<RedisFacts, GreetingRefused> read_greeting(const Pipeline& greeting,
                                                        const config::RedisSettings& settings) {
  const std::size_t needed = greeting.commands() - optional_commands;
  for (std::size_t i = 0; i < needed; ++i) {
    const Reply& reply = greeting.reply(i);
    if (reply.kind == Reply::Kind::status || reply.kind == Reply::Kind::integer) continue;
    if (reply.kind == Reply::Kind::error)
      return GreetingRefused{printable_error(greeting.text(reply))};
    return GreetingRefused{"it does not answer as Redis does"};
  }
  const std::string_view role = find_text(greeting, needed + 2, "role");
  if (settings.kind == config::RedisKind::sentinel && role != "master")
    return GreetingRefused{role.empty() ? "it does not tell its role (INFO replication)"
                                        : "it is no master: its role is " + printable(role)};
  RedisFacts facts;
  facts.run_id = printable(find_text(greeting, needed, "run_id"));
  facts.history = find_text(greeting, needed + 2, "master_replid");
  const Reply& memory = greeting.reply(needed + 1);
  if (memory.kind == Reply::Kind::text)
    facts.memory_warning = warn_of_memory(greeting.text(memory));
  return facts;
}

}  // namespace larder::store
