// Answer: what goes to the client, written into its connection's scratch and sent from there.
//
// The head is made of end-to-end lines from elsewhere and of what is this hop's alone: framing,
// Age, the cache's own fields, Connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "http/text_writer.hpp"
#include "session/record.hpp"
#include "session/stream.hpp"

namespace larder::session {

using std::chrono::seconds;

/// Text of an exchange, whose room the next one on its connection uses again.
struct Scratch {
  std::string out;  ///< what is sent
  std::string key;  ///< of what is stored
};

/// The client's side of an exchange. Everything is owned by its connection.
struct Client {
  Stream& stream;
  Scratch& scratch;
  std::string_view peer;  ///< its address; empty: a Unix socket's, which has none
  bool trusted = false;
  std::string_view scheme = "http";
  bool is_last = false;  ///< the connection is to serve no further request
  bool& endless;         ///< to be set when what is sent ends by nothing but the connection
};

/// What becomes of the client's connection after an exchange.
enum class After : std::uint8_t {
  keep,    ///< it serves on
  close,   ///< the client has its whole answer
  broken,  ///< it has not, and must not take what it has for one
};

class Answer {
 public:
  /// `record` and `request` outlive this. `timeout`: for each step forward in writing.
  Answer(Client client, const http::RequestHead& request, ExchangeRecord& record,
         milliseconds timeout, bool keep_alive)
      : client_(client),
        request_(request),
        record_(record),
        timeout_(timeout),
        keep_alive_(keep_alive) {}

  void begin(std::uint16_t status, std::string_view reason);
  /// Where lines of the head may be added between begin() and end_head().
  [[nodiscard]] std::string& head() { return client_.scratch.out; }
  void append_length(std::uint64_t length);
  void append_age(seconds age);
  /// How content of unknown length is delimited for this client: chunked, or by the end of the
  /// connection. True: the pieces are to be sent as chunks.
  [[nodiscard]] bool append_unknown_length();
  /// With our Cache-Status, behind one that the head may have.
  void end_head();
  /// All of that at once: the head of an answer with these end-to-end lines. `length` nothing: of
  /// one that has no content by its status. `age`: to be told.
  struct WholeHead {
    std::uint16_t status = 200;
    std::string_view reason;
    std::string_view lines;
    std::optional<std::uint64_t> length{};
    std::optional<seconds> age{};
  };
  /// And `content`, which is to be sent with it; returns what is left of that for finish_now().
  [[nodiscard]] std::string_view write(const WholeHead& whole, std::string_view content);

  /// Writes this piece of content, which is copied, behind what is written.
  void add(std::string_view piece, bool as_chunk);
  /// Sends what is written and this piece of content behind it.
  [[nodiscard]] awaitable<IoStatus> send(std::string_view piece, bool as_chunk);
  /// Sends what is written, if anything is.
  [[nodiscard]] awaitable<IoStatus> flush();
  /// Sends what is left and `content` behind it, which is left out for HEAD, as far as the client's
  /// kernel takes it now; says what becomes of the connection. Nothing: finish_rest() is to wait,
  /// for as long as which `content` stays.
  [[nodiscard]] std::optional<After> finish_now(std::string_view content = {});
  [[nodiscard]] awaitable<After> finish_rest();
  /// Both.
  [[nodiscard]] awaitable<After> finish();
  /// A whole answer, to be finished (RFC 9457).
  void write_problem(std::uint16_t status, std::string_view detail);
  [[nodiscard]] awaitable<After> send_problem(std::uint16_t status, std::string_view detail);
  /// A 1xx before the answer. False: the client is gone.
  [[nodiscard]] awaitable<bool> send_interim(const http::ResponseHead& told);

  /// The client has asked for it, and may know: whole field lines that stand beside Cache-Status,
  /// and the reason in words.
  void explain(std::string lines) { explanation_ = std::move(lines); }
  void close_afterwards() { keep_alive_ = false; }
  /// What is sent may never end by itself: an event stream.
  void note_endless() { client_.endless = true; }

 private:
  [[nodiscard]] After outcome(IoStatus written) const;
  void put_end_of_head(http::TextWriter& head) const;

  Client client_;
  const http::RequestHead& request_;
  ExchangeRecord& record_;
  milliseconds timeout_;
  bool keep_alive_;
  std::string explanation_;  ///< empty: not asked for
  Pieces unsent_{};          ///< of an answer that is finished
};

}  // namespace larder::session
