// Called directly: completions of sockets go straight on where somebody awaits them.
//
// Asio hands a completion to its awaiter's executor, and counts that as work meanwhile, since the
// two might be different ones. Here both are the io_context whose thread it comes on: there is
// nothing to hand over, which costs a read of a socket 300 instructions and four atomic ones
// (tests/bench/gates --profile busy).
#pragma once

#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>

namespace larder {

/// A completion token that adapts another. For operations on I/O objects of the io_context that
/// runs whoever awaits them, and for no others.
template <class Token>
struct CalledDirectly {
  Token token;
};
template <class Token>
[[nodiscard]] constexpr CalledDirectly<Token> called_directly(Token token) {
  return {token};
}

namespace detail {

/// A handler without the executor, allocator and cancellation slot that the other may have.
template <class Handler>
struct DirectHandler {
  Handler handler;

  template <class... Results>
  void operator()(Results&&... results) {
    handler(std::forward<Results>(results)...);
  }
};

template <class Initiation>
struct DirectInitiation {
  Initiation initiation;

  template <class Handler, class... Arguments>
  void operator()(Handler&& handler, Arguments&&... arguments) {
    std::move(initiation)(DirectHandler<std::decay_t<Handler>>{std::forward<Handler>(handler)},
                          std::forward<Arguments>(arguments)...);
  }
};

}  // namespace detail
}  // namespace larder

template <class Token, class Signature>
struct boost::asio::async_result<larder::CalledDirectly<Token>, Signature> {
  template <class Initiation, class Adapted, class... Arguments>
  static auto initiate(Initiation&& initiation, Adapted&& adapted, Arguments&&... arguments) {
    Token token = std::forward<Adapted>(adapted).token;
    return async_initiate<Token, Signature>(
        larder::detail::DirectInitiation<std::decay_t<Initiation>>{
            std::forward<Initiation>(initiation)},
        token, std::forward<Arguments>(arguments)...);
  }
};
