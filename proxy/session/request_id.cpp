#include "session/request_id.hpp"

#include <algorithm>
#include <optional>
#include <span>

namespace larder::session {

namespace {
constexpr std::size_t made_size = 32;
}

void RequestId::take_or_make(const http::Fields& fields, Random& random) {
  const std::optional<std::string_view> sent = fields.first(http::FieldName::x_request_id);
  if (!sent || sent->size() > longest || !http::is_token(*sent)) {
    make(random);
    return;
  }
  std::copy(sent->begin(), sent->end(), line_.begin() + name.size());
  is_the_clients_ = true;
  end(sent->size());
}

void RequestId::make(Random& random) {
  random.write_hex(std::span(line_).subspan<name.size(), made_size>());
  is_the_clients_ = false;
  end(made_size);
}

void RequestId::end(std::size_t text_size) {
  std::copy(name.begin(), name.end(), line_.begin());
  size_ = name.size() + text_size + 2;
  line_[size_ - 2] = '\r';
  line_[size_ - 1] = '\n';
}

}  // namespace larder::session
