// Digest: how somebody is named in keys and tags, so that neither Redis nor a log shows who it is.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace larder::identity {

/// SHA-256 over the parts, each with its length before it, as 64 hex digits: the same on every
/// replica and after a restart, and different for different parts (as far as anybody can find).
[[nodiscard]] std::string digest_of(std::initializer_list<std::string_view> parts);

}  // namespace larder::identity
