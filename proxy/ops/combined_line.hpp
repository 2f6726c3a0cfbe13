// Combined line: an exchange as nginx and Apache write it in their combined format, with what the
// cache did at the end, for the tools that read such logs.
#pragma once

#include <string>

#include "session/record.hpp"

namespace larder::ops {

/// PEER - - [06/Nov/1994:08:49:37 +0000] "GET /a?b HTTP/1.1" 200 12 "REFERER" "USER-AGENT" HIT
/// Status 000 where none was sent, as nginx has it.
void append_combined(const session::ExchangeRecord& record, std::string& line);

}  // namespace larder::ops
