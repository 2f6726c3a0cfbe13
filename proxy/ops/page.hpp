// Page: what the admin listener shows in a browser. One file, page.html, without anything from
// elsewhere; what it shows it asks for as anybody can.
#pragma once

#include <string>
#include <string_view>

namespace larder::ops {

[[nodiscard]] std::string_view page_html();

/// A Content-Security-Policy under which the page runs its own script and nothing else.
[[nodiscard]] const std::string& page_security_policy();

}  // namespace larder::ops
