// Asked request: a request that somebody asks about, made into what serving would see of it.
//
// Read by the parser that reads clients' requests, so that whatever that refuses is refused here
// with the same words.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.hpp"
#include "http/message.hpp"
#include "identity/identifier.hpp"
#include "policy/explanation.hpp"

namespace larder::ops {

struct Asked {
  std::string method = "GET";
  std::string url;                  ///< "/path?query", or with scheme and host before it
  std::vector<std::string> fields;  ///< "Name: value"
  std::string peer = "127.0.0.1";   ///< whose request it is; "unix": over a Unix socket
};

class AskedRequest {
 public:
  /// Or why it is none: "the Host field is missing".
  [[nodiscard]] static std::variant<std::unique_ptr<AskedRequest>, std::string> make(
      const Asked& asked, const config::Settings& settings);
  AskedRequest(const AskedRequest&) = delete;
  AskedRequest& operator=(const AskedRequest&) = delete;

  [[nodiscard]] const http::RequestHead& head() const { return head_; }
  [[nodiscard]] const std::string& target() const { return target_; }

  /// As clients' requests are, with the keys of the settings.
  void identify(const config::Settings& settings, policy::SystemSeconds now);
  /// In place of whoever the request says it is.
  void assume(identity::Identification who) { who_ = std::move(who); }

  /// Views into this, `routes`, `index` and `settings`.
  [[nodiscard]] policy::ExplainedRequest explained(const policy::Routes& routes,
                                                   const policy::RouteIndex& index,
                                                   const config::Settings& settings) const;

 private:
  AskedRequest() = default;

  std::string text_;
  std::string target_;
  std::string scheme_ = "http";
  std::string peer_;
  bool trusted_ = false;
  http::RequestHead head_;
  identity::Identification who_{identity::NotIdentified{}};
};

/// Somebody whom a token with this claim speaks of, as if it had been verified. `value`: a whole
/// number, or any other text.
[[nodiscard]] identity::Identity make_assumed_identity(const config::Settings& settings,
                                                       const std::string& value);

}  // namespace larder::ops
