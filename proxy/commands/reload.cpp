#include <cstdint>
#include <iostream>
#include <memory>
#include <string_view>

#include <boost/json.hpp>

#include "commands/admin_call.hpp"
#include "commands/commands.hpp"

namespace larder::commands {

namespace {

constexpr unsigned refused = 422;

struct Options {
  config::Flags flags;
  bool as_json = false;
};

/// Each on a line of its own, between these words.
void print_texts(const boost::json::object& told, std::string_view name, std::string_view before,
                 std::string_view behind) {
  const boost::json::value* texts = told.if_contains(name);
  if (!texts || !texts->is_array()) return;
  for (const boost::json::value& text : texts->get_array())
    if (text.is_string())
      std::cerr << before << std::string_view(text.get_string()) << behind << '\n';
}

int reload(const Options& options) {
  const std::optional<std::string> answer =
      call_admin(options.flags, {.method = "POST", .target = "/reload"}, {admin_ok, refused});
  if (!answer) return exit_failed;
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(*answer, error);
  const boost::json::object* told = error ? nullptr : parsed.if_object();
  const boost::json::value* reloaded = told ? told->if_contains("reloaded") : nullptr;
  const boost::json::value* rules = told ? told->if_contains("rules") : nullptr;
  if (!reloaded || !reloaded->is_bool() || !rules || !rules->is_number()) {
    std::cerr << "larder: the answer makes no sense: " << *answer;
    return exit_failed;
  }
  const int code = reloaded->get_bool() ? exit_ok : exit_failed;
  if (options.as_json) {
    std::cout << *answer;
    return code;
  }
  print_texts(*told, "findings", "", "");
  if (code != exit_ok) {
    std::cerr << "larder: refused; the rules it has stay in force\n";
    return code;
  }
  print_texts(*told, "needs_restart", "settings.", " has changed and needs a restart");
  const auto count = rules->to_number<std::uint64_t>();
  std::cout << count << (count == 1 ? " rule is in force\n" : " rules are in force\n");
  return code;
}

}  // namespace

void add_reload(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand(
      "reload", "Make a running Larder read its rules again, and say how it went");
  const auto options = std::make_shared<Options>();
  command->add_flag("--json", options->as_json, "Print the answer as it came");
  add_admin_settings(*command, options->flags);
  command->footer(
      "A changed file is read by itself, and so it is on SIGHUP; this waits for the outcome and\n"
      "says how many rules are in force, what `larder check` would say of them, and which "
      "settings\n"
      "need a restart. Rules that are not well are refused whole, and the old ones stay in force.\n"
      "Needs the admin token: LARDER_ADMIN_TOKEN, or a file named by --admin-token-file.\n\n"
      "Examples:\n"
      "  larder check /etc/larder/rules.yaml && larder reload\n\n"
      "Exit codes: 0 the rules are in force; 1 refused or not reached; 2 wrong usage.");
  command->callback([options, &code] { code = reload(*options); });
}

}  // namespace larder::commands
