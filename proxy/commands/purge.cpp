#include <iostream>
#include <memory>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "commands/admin_call.hpp"
#include "commands/commands.hpp"
#include "ops/purge_request.hpp"

namespace larder::commands {

namespace {

struct Options {
  config::Flags flags;
  ops::PurgeRequest request;
  std::string url, prefix, rule, tag;
  bool is_all = false;
  bool is_soft = false;
  bool as_json = false;
};

/// Of a request that has one target: which.
policy::PurgeTarget target_of(const Options& options) {
  using policy::PurgeKind;
  if (!options.url.empty()) return {PurgeKind::url, options.url};
  if (!options.prefix.empty()) return {PurgeKind::prefix, options.prefix};
  if (!options.rule.empty()) return {PurgeKind::rule, options.rule};
  if (!options.tag.empty()) return {PurgeKind::tag, options.tag};
  return {PurgeKind::everything};
}

std::string describe(const policy::PurgeTarget& target) {
  switch (target.kind) {
    case policy::PurgeKind::url:
      return target.text;
    case policy::PurgeKind::prefix:
      return target.text + " and what lies below it";
    case policy::PurgeKind::rule:
      return "rule " + target.text;
    case policy::PurgeKind::tag:
      return "tag " + target.text;
    case policy::PurgeKind::everything:
      break;
  }
  return "everything";
}

int purge(Options options) {
  if (options.is_soft) options.request.strength = policy::PurgeStrength::soft;
  options.request.target = target_of(options);
  const std::optional<std::string> answer = call_admin(
      options.flags,
      {.method = "POST", .target = "/purge", .body = ops::format_purge_request(options.request)});
  if (!answer) return exit_failed;
  boost::json::error_code error;
  const boost::json::value told = boost::json::parse(*answer, error);
  if (error || !told.is_object()) {
    std::cerr << "larder: the answer makes no sense: " << *answer;
    return exit_failed;
  }
  const boost::json::value* redis = told.get_object().if_contains("redis");
  const bool is_deferred = redis && redis->is_string() && redis->get_string() == "deferred";
  if (options.as_json) {
    std::cout << *answer;
    return is_deferred ? exit_failed : exit_ok;
  }
  const boost::json::value* in_memory = told.get_object().if_contains("in_memory");
  const std::uint64_t count =
      in_memory && in_memory->is_number() ? in_memory->to_number<std::uint64_t>() : 0;
  std::cout << (options.request.is_dry_run ? "would purge " : "purged ")
            << describe(options.request.target) << (options.is_soft ? " softly" : "") << ": "
            << count << (count == 1 ? " response" : " responses") << " in memory\n";
  if (is_deferred) {
    std::cerr
        << "larder: Redis has not acknowledged it. This Larder serves nothing from Redis until "
           "it has; other replicas have not heard of it yet\n";
    return exit_failed;
  }
  return exit_ok;
}

}  // namespace

void add_purge(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand(
      "purge", "Evict what is stored, on all replicas: a URL, all below a path, a rule, a tag");
  const auto options = std::make_shared<Options>();
  CLI::Option_group* target = command->add_option_group("What");
  target->add_option("URL", options->url,
                     "A path or URL: all that is stored for it, whatever host, query and user");
  target->add_option("--prefix", options->prefix, "A path and all that lies below it")
      ->type_name("TARGET");
  target->add_option("--rule", options->rule, "What is stored under the rule of this name")
      ->type_name("NAME");
  target
      ->add_option("--tag", options->tag, "What a rule's tags, Surrogate-Key or Cache-Tag name so")
      ->type_name("TAG");
  target->add_flag("--all", options->is_all, "Everything");
  target->require_option(1);
  command->add_flag("--soft", options->is_soft,
                    "Stale rather than gone: served while it is validated or Django is away");
  command->add_flag("--dry-run", options->request.is_dry_run,
                    "Evict nothing; say how many responses in memory it would be");
  command->add_flag("--json", options->as_json, "Print the answer as it came");
  add_admin_settings(*command, options->flags);
  command->footer(
      "Needs the admin token: LARDER_ADMIN_TOKEN, or a file named by --admin-token-file.\n"
      "Requests that are being answered meanwhile store nothing of what is purged.\n\n"
      "Examples:\n"
      "  larder purge /api/ai/models/\n"
      "  larder purge --prefix /api/items/ --dry-run\n"
      "  larder purge --tag price-list --json\n"
      "  larder purge --all --soft\n\n"
      "Exit codes: 0 purged everywhere, or counted; 1 refused, not reached, or not acknowledged "
      "by\n"
      "Redis yet; 2 wrong usage.");
  command->callback([options, &code] { code = purge(*options); });
}

}  // namespace larder::commands
