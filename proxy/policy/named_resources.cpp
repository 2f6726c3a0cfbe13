#include "policy/named_resources.hpp"

#include <algorithm>

namespace larder::policy {

namespace {

std::string_view without_query(std::string_view reference) {
  return reference.substr(0, std::min(reference.find_first_of("?#"), reference.size()));
}

}  // namespace

std::vector<std::string> named_resources(const http::Fields& answer,
                                         const std::vector<std::string_view>& hosts,
                                         std::string_view base) {
  std::vector<std::string> paths;
  for (const http::FieldLine& line : answer) {
    if (line.id != http::FieldName::location && line.id != http::FieldName::content_location)
      continue;
    std::string_view reference = without_query(line.value);
    // RFC 3986 4.2: with a scheme, or beginning with "//", it names its host.
    const std::size_t scheme_end = reference.find("://");
    const bool has_scheme =
        scheme_end != std::string_view::npos && reference.find('/') == scheme_end + 1;
    if (has_scheme) reference.remove_prefix(scheme_end + 1);
    if (reference.starts_with("//")) {
      reference.remove_prefix(2);
      const std::size_t host_end = std::min(reference.find('/'), reference.size());
      const std::string_view host = reference.substr(0, host_end);
      const bool same_host = std::any_of(hosts.begin(), hosts.end(), [&](std::string_view known) {
        return http::equals_ignoring_case(host, known);
      });
      if (!same_host) continue;
      reference.remove_prefix(host_end);
      paths.emplace_back(reference.empty() ? "/" : reference);
    } else if (reference.starts_with('/')) {
      paths.emplace_back(reference);
    } else if (!reference.empty()) {
      // Relative to the folder of the request's path; dot segments are resolved by possible_paths.
      paths.push_back(std::string(base.substr(0, base.rfind('/') + 1)).append(reference));
    }
  }
  return paths;
}

}  // namespace larder::policy
