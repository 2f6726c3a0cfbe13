#include "http/field_name.hpp"

#include <cstddef>
#include <string_view>

#include "http/field_name_table.hpp"
#include "http/message.hpp"

namespace larder::http {

FieldName parse_field_name(std::string_view name) {
  return is_token(name) ? recognise_token(name) : FieldName::unknown;
}

std::string_view format_field_name(FieldName name) {
  return usual_names[static_cast<std::size_t>(name)];
}

}  // namespace larder::http
