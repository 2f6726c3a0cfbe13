#include "policy/redaction.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace larder::policy {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char letter) { return letter == ' ' || letter == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Names stay, and how many there are of each.
std::string redact_cookies(std::string_view value) {
  std::string redacted;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(';'), value.size());
    const std::string_view pair = trimmed(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
    if (!redacted.empty()) redacted += "; ";
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos) redacted.append(pair.substr(0, equals)) += '=';
    redacted += redacted_value;
  }
  return redacted;
}

identity::Identity redact(const identity::Identity& somebody) {
  identity::Identity redacted = somebody;
  if (somebody.token) {
    identity::Verified token = *somebody.token;
    for (auto& [name, json] : token.claims) json = "\"" + std::string(redacted_value) + "\"";
    redacted.token = std::make_shared<const identity::Verified>(std::move(token));
  }
  if (!redacted.authorization.empty()) redacted.authorization = redacted_value;
  if (!redacted.cookie.empty()) redacted.cookie = redact_cookies(redacted.cookie);
  return redacted;
}

}  // namespace

Redaction::Redaction(const http::RequestHead& head, const identity::Identification* who)
    : head_(head) {
  head_.fields.clear();
  for (http::FieldLine line : head.fields) {
    if (line.id == http::FieldName::cookie) {
      line.value = texts_.emplace_back(redact_cookies(line.value));
    } else if (line.id == http::FieldName::authorization ||
               line.id == http::FieldName::proxy_authorization) {
      line.value = redacted_value;
    }
    head_.fields.add(line);
  }
  if (!who) return;
  who_ = *who;
  if (const auto* somebody = std::get_if<identity::Identity>(who)) who_ = redact(*somebody);
}

}  // namespace larder::policy
