// Test responses: stored responses made from their content.
#pragma once

#include <memory>
#include <string_view>

#include "policy/stored_response.hpp"

namespace larder::test {

inline policy::StoredResponsePointer make_response(std::string_view content,
                                                   const std::vector<std::string>& tags = {}) {
  auto response = std::make_shared<policy::StoredResponse>();
  response->head = "Content-Type: text/plain\r\n";
  response->content = policy::SharedBytes::copy_of(content);
  response->response_time = policy::SystemSeconds(std::chrono::seconds(1'790'000'000));
  response->vary = {"accept"};
  response->tags = tags;
  return response;
}

}  // namespace larder::test
