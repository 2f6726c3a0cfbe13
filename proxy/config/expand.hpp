// Expand: ${NAME} and ${NAME:-default} in a value, from the environment.
//
// As in a shell, an empty variable takes the default as an unset one does. Without default an unset
// one is an error and an empty one is empty. `$${` is a literal `${`; any other `$` stands for
// itself. What a variable holds is never expanded again.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "config/load.hpp"

namespace larder::config {

struct ExpandError {
  std::size_t offset = 0;
  std::string message;
};

[[nodiscard]] std::variant<std::string, ExpandError> expand(std::string_view text,
                                                            const Environment& environment);

}  // namespace larder::config
