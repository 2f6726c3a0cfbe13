// Path shape: a path with its numbers and UUIDs named as Django's converters, so that requests for
// many objects count as one kind.
#pragma once

#include <string>
#include <string_view>

namespace larder::policy {

/// "/admin/ai/aimodel/3/change/" as "/admin/ai/aimodel/<int>/change/"; "<uuid>" likewise. Whatever
/// looks like neither stays as it is.
[[nodiscard]] std::string path_shape(std::string_view path);

/// Digits alone, as Django's <int:> takes them.
[[nodiscard]] bool is_int_segment(std::string_view segment);
/// Lower case with hyphens, as Django's <uuid:> takes them.
[[nodiscard]] bool is_uuid_segment(std::string_view segment);

/// The shape up to its first converter: "/admin/ai/aimodel/".
[[nodiscard]] std::string_view literal_prefix(std::string_view shape);

}  // namespace larder::policy
