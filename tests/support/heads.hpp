// Heads: request and response heads made from text by the real parsers, for tests of policy.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "http/request_head.hpp"
#include "http/response_head.hpp"

namespace larder::test {

/// Owns the bytes that the head looks into.
struct Request {
  /// `lines` without final empty line: {"GET / HTTP/1.1", "Host: a"}.
  explicit Request(std::initializer_list<std::string> lines) {
    for (const std::string& line : lines) *text += line + "\r\n";
    *text += "\r\n";
    const http::HeadError error = http::parse_request_head(*text, {}, head);
    REQUIRE_MESSAGE(error == http::HeadError::none, http::describe(error));
  }
  std::unique_ptr<std::string> text = std::make_unique<std::string>();
  http::RequestHead head;
};

struct Response {
  explicit Response(const std::vector<std::string>& lines,
                    http::Method method = http::Method::get) {
    for (const std::string& line : lines) *text += line + "\r\n";
    *text += "\r\n";
    const http::HeadError error = http::parse_response_head(*text, {}, method, head);
    REQUIRE_MESSAGE(error == http::HeadError::none, http::describe(error));
  }
  std::unique_ptr<std::string> text = std::make_unique<std::string>();
  http::ResponseHead head;
};

}  // namespace larder::test
