// Admin client: one request to a running Larder's admin listener, for the commands that ask it.
#pragma once

#include <chrono>
#include <string>

#include "config/config.hpp"

namespace larder::ops {

struct AdminCall {
  std::string method = "GET";
  std::string target;   ///< path and query, encoded
  std::string body{};   ///< JSON; empty: none
  std::string token{};  ///< shown when it is not empty
};

struct AdminReply {
  std::string failure;  ///< in words, when there was no answer; else empty
  unsigned status = 0;
  std::string body;
};
/// Waits `timeout` for all of it. An answer of more than 16 MiB is a failure.
[[nodiscard]] AdminReply ask_admin(const config::Endpoint& admin, const AdminCall& call,
                                   std::chrono::milliseconds timeout);

}  // namespace larder::ops
