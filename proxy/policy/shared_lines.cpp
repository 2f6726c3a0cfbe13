#include "policy/shared_lines.hpp"

#include <algorithm>
#include <vector>

#include "http/message.hpp"
#include "policy/stored_lines.hpp"

namespace larder::policy {

namespace {

std::vector<StoredLine> lines_of(std::string_view head) {
  std::vector<StoredLine> lines;
  for_each_line(head, [&](const StoredLine& line) { lines.push_back(line); });
  return lines;
}

/// The lines of that name, in order.
std::vector<std::string_view> named(const std::vector<StoredLine>& lines, std::string_view name) {
  std::vector<std::string_view> texts;
  for (const StoredLine& line : lines)
    if (http::equals_ignoring_case(line.name, name)) texts.push_back(line.text);
  return texts;
}

}  // namespace

SharedLines share_lines(std::string_view decoded, std::string_view coded) {
  SharedLines shared;
  if (coded.empty()) {
    shared.text = decoded;
    shared.decoded_size = shared.coded_begin = decoded.size();
    return shared;
  }
  const std::vector<StoredLine> of_decoded = lines_of(decoded);
  const std::vector<StoredLine> of_coded = lines_of(coded);
  const auto is_of_both = [&](const StoredLine& line) {
    return named(of_decoded, line.name) == named(of_coded, line.name);
  };
  for (const StoredLine& line : of_decoded)
    if (!is_of_both(line)) shared.text += line.text;
  shared.coded_begin = shared.text.size();
  for (const StoredLine& line : of_decoded)
    if (is_of_both(line)) shared.text += line.text;
  shared.decoded_size = shared.text.size();
  for (const StoredLine& line : of_coded)
    if (!is_of_both(line)) shared.text += line.text;
  return shared;
}

}  // namespace larder::policy
