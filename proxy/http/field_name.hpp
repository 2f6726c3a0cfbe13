// FieldName: the field names Larder itself acts upon, told apart once while a head is read.
//
// A name outside this list is `unknown`, keeps its text and is passed on like any other.
#pragma once

#include <cstdint>
#include <string_view>

namespace larder::http {

enum class FieldName : std::uint8_t {
  unknown,
  accept,
  accept_encoding,
  accept_language,
  age,
  authorization,
  cache_control,
  cache_group_invalidation,
  cache_groups,
  cache_status,
  cache_tag,
  cdn_cache_control,
  connection,
  content_encoding,
  content_language,
  content_length,
  content_location,
  content_range,
  content_type,
  cookie,
  date,
  etag,
  expect,
  expires,
  forwarded,
  host,
  if_match,
  if_modified_since,
  if_none_match,
  if_range,
  if_unmodified_since,
  keep_alive,
  larder_cache_control,
  larder_explain,
  last_modified,
  location,
  origin,
  pragma,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  range,
  server,
  set_cookie,
  surrogate_key,
  te,
  traceparent,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  vary,
  via,
  x_cache_status,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_request_id,
};

/// Without regard to case; `unknown` for everything not listed.
[[nodiscard]] FieldName parse_field_name(std::string_view name);
/// As usually written ("Cache-Control"); empty for `unknown`.
[[nodiscard]] std::string_view format_field_name(FieldName name);

}  // namespace larder::http
